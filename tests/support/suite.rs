//! Tests that need a server or a tool of the machine. Where it is missing they
//! are counted as ignored, with what to install; in CI they fail instead.

use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Trial};

/// Programs that have to be there, and the Debian packages that hold them.
pub struct Tools(pub &'static [&'static str], pub &'static str);

#[allow(dead_code, reason = "each program uses its own")]
impl Tools {
    pub const NONE: Self = Self(&[], "");
    pub const REDIS: Self = Self(&["redis-server"], "redis-server");
    pub const REDIS_TLS: Self = Self(&["redis-server", "openssl"], "redis-server openssl");
    pub const KUBECTL: Self = Self(&["kubectl"], "kubernetes-client");
    pub const COMPILER: Self = Self(&["clang", "ld.lld"], "clang lld");

    fn are_there(&self) -> bool {
        // Started, whatever they say to the question.
        self.0.iter().all(|t| Command::new(t).arg("--version").output().is_ok())
    }
}

/// Tests by their names.
pub type Tests = Vec<(&'static str, fn())>;

/// Runs them as libtest would.
pub fn run(groups: Vec<(Tools, Tests)>) -> ExitCode {
    let ci = std::env::var_os("CI").is_some();
    let mut trials = Vec::new();
    for (tools, tests) in groups {
        let missing = !ci && !tools.are_there();
        for (name, test) in tests {
            let trial = Trial::test(name, move || {
                test();
                Ok(())
            });
            let kind = if missing { format!("needs: apt-get install {}", tools.1) } else { String::new() };
            trials.push(trial.with_kind(kind).with_ignored_flag(missing));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Runs an asynchronous test.
#[allow(dead_code, reason = "each program uses its own")]
pub fn wait_for(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(test);
}

/// The tests of those names; after `async`, asynchronous ones.
#[macro_export]
macro_rules! tests {
    (async $($name:path),* $(,)?) => { vec![$((stringify!($name), || $crate::suite::wait_for($name()))),*] };
    ($($name:path),* $(,)?) => { vec![$((stringify!($name), $name as fn())),*] };
}
