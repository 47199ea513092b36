//! `init`: a commented configuration, made by asking.

use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

use crate::config;

use super::args::{Global, InitArgs};
use super::Failure;

/// One question: the key, what is asked, the default.
struct Question {
    key: &'static str,
    ask: &'static str,
    default: &'static str,
}

const QUESTIONS: &[Question] = &[
    Question { key: "company.id", ask: "A short id of the company (letters, digits, -)", default: "main" },
    Question { key: "company.name", ask: "The company's name as people should see it", default: "My company" },
    Question { key: "company.time_zone", ask: "Its time zone", default: "Europe/Moscow" },
    Question { key: "company.locale", ask: "Language of the spreadsheets (ru_RU, en_US, …)", default: "ru_RU" },
    Question { key: "company.currency", ask: "Its currency (ISO code)", default: "RUB" },
    Question {
        key: "google.credentials",
        ask: "Google credentials file (service account key or authorized_user)",
        default: "credentials/service-account.json",
    },
    Question { key: "company.folder", ask: "Id of the Drive folder for its files (in a shared drive)", default: "" },
    Question {
        key: "company.bitrix24.webhook_url",
        ask: "Bitrix24 webhook address, or a file that holds it",
        default: "credentials/bitrix24-webhook",
    },
    Question { key: "company.targets.break_even", ask: "Costs to be earned each month (break-even)", default: "1000000" },
    Question { key: "company.targets.profit", ask: "Profit wanted above them, a month", default: "0" },
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
        config::DEFAULT.to_owned()
    } else {
        let input = std::io::stdin();
        if !input.is_terminal() {
            eprintln!("(answers are read from standard input, one a line)");
        }
        let answers = ask_all(&mut input.lock())?;
        let values: Vec<(&str, toml::Value)> =
            answers.iter().map(|(key, answer)| (*key, value(answer))).collect();
        config::example(&values).ok_or_else(|| Failure::failed("a question asks for no known key"))?
    };
    super::write_private(path, &text)
        .map_err(|error| Failure::io(&format!("cannot write {}", path.display()), &error))?;
    println!("wrote {}; next: planfact -c {} doctor", path.display(), path.display());
    Ok(ExitCode::SUCCESS)
}

/// A number when the answer is one, else text.
fn value(answer: &str) -> toml::Value {
    match answer.parse::<i64>() {
        Ok(number) => toml::Value::Integer(number),
        Err(_) => toml::Value::String(answer.to_owned()),
    }
}

fn ask_all(input: &mut impl BufRead) -> Result<Vec<(&'static str, String)>, Failure> {
    let mut answers = Vec::new();
    for question in QUESTIONS {
        print!("{} [{}]: ", question.ask, question.default);
        std::io::stdout().flush().map_err(|error| Failure::io("cannot ask", &error))?;
        let mut line = String::new();
        let read = input.read_line(&mut line).map_err(|error| Failure::io("cannot read the answer", &error))?;
        let answer = line.trim();
        if read == 0 || answer.is_empty() {
            answers.push((question.key, question.default.to_owned()));
        } else {
            answers.push((question.key, answer.to_owned()));
        }
        // A question without a default may stay without an answer.
        answers.retain(|(_, answer)| !answer.is_empty());
    }
    println!();
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_asks_for_a_known_key() {
        let values: Vec<(&str, toml::Value)> =
            QUESTIONS.iter().map(|question| (question.key, value(question.default))).collect();
        assert!(config::example(&values).is_some());
    }

    #[test]
    fn blank_answers_take_the_defaults() {
        let answers = ask_all(&mut "romashka\n\n".as_bytes()).unwrap();
        assert_eq!(answers[0], ("company.id", "romashka".to_owned()));
        assert_eq!(answers[1], ("company.name", "My company".to_owned()));
        let with_default = QUESTIONS.iter().filter(|question| !question.default.is_empty());
        assert_eq!(answers.len(), with_default.count());
    }
}
