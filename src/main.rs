//! The program: arguments, bootstrap, exit code.

use std::process::ExitCode;

use clap::Parser;
use planfact::cli::{self, Cli};

fn main() -> ExitCode {
    let cli = Cli::parse();
    planfact::telemetry::init(cli.verbosity(), cli.global.json);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return cli::fail(&cli::Failure::failed(format!("no runtime: {error}"))),
    };
    match runtime.block_on(cli::run(cli)) {
        Ok(code) => code,
        Err(failure) => cli::fail(&failure),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn arguments_are_consistent() {
        planfact::cli::Cli::command().debug_assert();
    }
}
