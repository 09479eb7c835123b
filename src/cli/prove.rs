//! `prove`: a test proof is sent, followed and fetched.

use std::path::Path;
use std::sync::Arc;

use super::args::{Look, Place};
use super::client::{self, Client, printer};
use super::prover_args::{ProgramName, ProveArgs};
use super::{Failure, Outcome};
use crate::prover::drive::{DriveOptions, Order, Tell, plan};
use crate::prover::encode;
use crate::prover::program::Payload;
use crate::prover::store::Store;
use crate::prover::update::{Step, Update};
use crate::sources::files::unreadable;
use crate::sources::hub::{Clock as _, WallClock};

pub(super) fn run(args: &ProveArgs, place: &Place, look: &Look) -> Outcome {
    client::may_write(look, "prove")?;
    let payload = payload(args)?;
    let settings = client::settings(&args.store)?;
    let config = settings.store().map_err(Failure::usage)?;
    let journal = client::journal()?;
    let mut client = Client::open(place, &settings)?;
    let store = client.block_on(Store::open(&config))?;
    let mode = args.mode.into();
    if let Some(word) = client.word(mode, u32::from(args.count)) {
        // A warning and no more: whoever says prove wants to see.
        eprintln!("sp1top: {}{}", if word.bad { "careful: " } else { "" }, word.text);
    }
    let order = Order {
        payload,
        mode,
        timeout: args.timeout,
        cycle_limit: args.cycle_limit,
        gas_limit: args.gas_limit,
        out: args.out.clone().unwrap_or_default(),
        cluster: client.cluster.clone(),
        store: config.describe(),
    };
    let tell: Tell = printer(args.output, &client.sights);
    let jobs = plan(&journal, &order, usize::from(args.count), WallClock.now())?;
    for job in &jobs {
        tell(Update::of(job, WallClock.now(), Step::Planned));
    }
    client.watch(&jobs, &tell);
    let options = DriveOptions { follow: !args.detach, fetch: !args.no_fetch, ..DriveOptions::default() };
    let driver = client.driver(Some(store), journal, options, Arc::clone(&tell));
    client.drive(&driver, jobs)
}

fn payload(args: &ProveArgs) -> Result<Payload, Failure> {
    let path = args.elf.as_deref().or(args.file.as_deref());
    match (args.program, path) {
        (Some(ProgramName::Fibonacci), Some(p)) => {
            Err(Failure::usage(format!("fibonacci is built in; for {} say: sp1top prove elf {}", p.display(), p.display())))
        }
        (Some(ProgramName::Fibonacci), None) => {
            if args.stdin.is_some() || !args.input.is_empty() {
                return Err(Failure::usage("fibonacci takes --n; --stdin and --input are for prove elf"));
            }
            Ok(Payload::fibonacci(args.n))
        }
        (_, None) => Err(Failure::usage("which program? sp1top prove elf FILE")),
        (_, Some(path)) => {
            let elf = read(path)?;
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let checked = !args.no_elf_check;
            let payload = match &args.stdin {
                Some(stdin) => Payload::with_stdin(&name, elf, read(stdin)?, checked),
                None => Payload::elf(&name, elf, &items(&args.input)?, checked),
            };
            Ok(payload?)
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|e| Failure::from(unreadable(path, &e)))
}

fn items(input: &[String]) -> Result<Vec<Vec<u8>>, Failure> {
    input
        .iter()
        .map(|i| match i.strip_prefix('@') {
            Some(path) => read(Path::new(path)),
            None => encode::unhex(i).map_err(|e| Failure::usage(format!("--input {i}: {e}; a file is given as @FILE"))),
        })
        .collect()
}
