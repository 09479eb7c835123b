//! The program: see the library.

fn main() -> std::process::ExitCode {
    sp1top::cli::main()
}
