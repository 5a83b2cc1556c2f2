//@ editions: 2018 2021 2024

#[derive(tls::Shape)]
#[shape(crate = tls)]
struct Session(u8);

/// The trait's own attributes and bounds stay.
#[tls::shape]
pub trait Named {
    /// Its name.
    fn name(&self) -> String;

    #[cfg(any())]
    fn missing(&self, missing: Missing);
}

impl Named for Session {
    fn name(&self) -> String {
        "a".to_owned()
    }
}

mod inner {
    #![forbid(unsafe_code)]
    #![deny(warnings)]

    #[derive(tls::Shape)]
    pub(crate) enum Command {
        Run(Box<dyn super::Named + Send>),
        #[deprecated]
        Stop {
            r#in: u8,
        },
    }
}

tls::thread_local! {
    static COMMANDS: std::cell::RefCell<Vec<inner::Command>> = std::cell::RefCell::new(Vec::new());
}

fn main() {
    #[allow(deprecated)]
    let stop = inner::Command::Stop { r#in: 0 };
    COMMANDS.with(|commands| commands.borrow_mut().push(inner::Command::Run(Box::new(Session(1)))));
    COMMANDS.with(|commands| commands.borrow_mut().push(stop));
    let is_run = |command: &inner::Command| match command {
        inner::Command::Run(named) => named.name() == "a",
        #[allow(deprecated)]
        inner::Command::Stop { r#in } => *r#in == 0,
    };
    println!("{}", Session(1).0);
    println!("{}", COMMANDS.with(|commands| commands.borrow().iter().all(is_run)));
}
