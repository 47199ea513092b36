//! `init`: a commented configuration, made by asking.

use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

use crate::config;

use super::Failure;
use super::args::{Global, InitArgs};

/// One question: the key, what is asked, the default.
struct Question {
    key: &'static str,
    ask: &'static str,
    default: &'static str,
}

const QUESTIONS: &[Question] = &[
    Question {
        key: "id",
        ask: "A short id of the company (letters, digits, -)",
        default: "main",
    },
    Question {
        key: "name",
        ask: "The company's name as people should see it",
        default: "My company",
    },
    Question {
        key: "time_zone",
        ask: "Its time zone",
        default: "Europe/Moscow",
    },
    Question {
        key: "locale",
        ask: "Language of the spreadsheets (ru_RU, en_US, …)",
        default: "ru_RU",
    },
    Question {
        key: "currency",
        ask: "Its currency (ISO code)",
        default: "RUB",
    },
    Question {
        key: "credentials",
        ask: "Google credentials file (service account key or authorized_user)",
        default: "credentials/service-account.json",
    },
    Question {
        key: "folder",
        ask: "Id of the Drive folder for its files (in a shared drive)",
        default: "",
    },
    Question {
        key: "webhook_url",
        ask: "Bitrix24 webhook address, or a file that holds it",
        default: "credentials/bitrix24-webhook",
    },
    Question {
        key: "break_even",
        ask: "Costs to be earned each month (break-even)",
        default: "1000000",
    },
    Question {
        key: "profit",
        ask: "Profit wanted above them, a month",
        default: "0",
    },
];

/// Asks (or not, with `--defaults`) and writes the configuration; an existing file is never
/// overwritten.
pub(super) fn run(global: &Global, args: &InitArgs) -> Result<ExitCode, Failure> {
    let path = &global.config;
    if path.exists() {
        return Err(Failure::usage(format!(
            "{} exists and is left as it is; give another name with --config",
            path.display()
        )));
    }
    let text = if args.defaults {
        config::EXAMPLE.to_owned()
    } else {
        let input = std::io::stdin();
        if !input.is_terminal() {
            eprintln!("(answers are read from standard input, one a line)");
        }
        let answers = ask_all(&mut input.lock())?;
        config::render_example(&answers).map_err(|errors| {
            Failure::usage(format!("these answers make no configuration: {errors}"))
        })?
    };
    crate::private_file::put(path, &text)
        .map_err(|error| Failure::io(&format!("cannot write {}", path.display()), &error))?;
    println!(
        "wrote {}; next: planfact -c {} doctor",
        path.display(),
        path.display()
    );
    Ok(ExitCode::SUCCESS)
}

fn ask_all(input: &mut impl BufRead) -> Result<Vec<(&'static str, String)>, Failure> {
    let mut answers = Vec::new();
    for question in QUESTIONS {
        print!("{} [{}]: ", question.ask, question.default);
        std::io::stdout()
            .flush()
            .map_err(|error| Failure::io("cannot ask", &error))?;
        let mut line = String::new();
        let read = input
            .read_line(&mut line)
            .map_err(|error| Failure::io("cannot read the answer", &error))?;
        let answer = line.trim();
        if read == 0 || answer.is_empty() {
            answers.push((question.key, question.default.to_owned()));
        } else {
            answers.push((question.key, answer.to_owned()));
        }
    }
    println!();
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_answers_take_the_defaults() {
        let answers = ask_all(&mut "romashka\n\n".as_bytes()).unwrap();
        assert_eq!(answers[0], ("id", "romashka".to_owned()));
        assert_eq!(answers[1], ("name", "My company".to_owned()));
        assert_eq!(answers.len(), QUESTIONS.len());
    }
}
