//! `init --google`: a Google user's consent, kept where `[google] credentials` says.

use std::path::Path;
use std::process::ExitCode;

use crate::config::Config;
use crate::google::{DevicePrompt, sign_in_by_device, sign_in_interactively};
use crate::sync::outcome::SyncError;

use super::Failure;
use super::args::{Global, InitArgs};
use super::output::print_json;

/// Asks a person for consent by the browser or, with `--device`, by a code.
pub(super) async fn run(global: &Global, args: &InitArgs) -> Result<ExitCode, Failure> {
    let Some(client) = &args.google else {
        return Err(Failure::usage(
            "give the OAuth client's file: --google FILE",
        ));
    };
    let save_to = match &args.save_to {
        Some(path) => path.clone(),
        None => Config::load(&global.config)?.google.credentials,
    };
    make_room(&save_to)?;
    let asked = if args.device {
        sign_in_by_device(client, &save_to, show_code).await
    } else {
        sign_in_interactively(client, &save_to, show_address).await
    };
    asked.map_err(|error| Failure::from(SyncError::Google(error)))?;
    if global.json {
        print_json(&serde_json::json!({"credentials": save_to, "device": args.device}));
    } else {
        println!("signed in; the consent is kept in {}", save_to.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes the folder of the file; what stands in the file's place and is no consent stays.
fn make_room(path: &Path) -> Result<(), Failure> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder)
            .map_err(|error| Failure::io(&format!("cannot make {}", folder.display()), &error))?;
    }
    if path.exists() && !is_consent(path) {
        return Err(Failure::usage(format!(
            "{} holds something else than a person's consent and is left as it is; name another file \
             with --save-to, and in [google] credentials",
            path.display()
        )));
    }
    Ok(())
}

/// Whether a file holds a person's consent, which a new one may replace.
fn is_consent(path: &Path) -> bool {
    let Ok(text) = std::fs::read_to_string(path) else {
        return false;
    };
    serde_json::from_str::<serde_json::Value>(&text)
        .is_ok_and(|json| json["type"] == "authorized_user")
}

fn show_address(url: &str) {
    eprintln!("Open this address in a browser of this machine and agree, every box ticked:");
    eprintln!("  {url}");
    eprintln!("(On another machine the answer does not find its way back: use --device there.)");
}

fn show_code(prompt: &DevicePrompt) {
    let minutes = prompt.seconds / 60;
    eprintln!(
        "Open {} on any device and type this code within {minutes} minutes:",
        prompt.url
    );
    eprintln!("  {}", prompt.code);
    eprintln!(
        "Google lets this way reach only files that planfact makes itself: leave `folder` and the \
         templates out of the configuration."
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_not_overwritten_and_a_consent_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/google.json");
        assert_eq!(make_room(&path), Ok(()));
        for (text, free) in [
            (r#"{"type": "service_account"}"#, false),
            ("not json", false),
            (r#"{"type": "authorized_user"}"#, true),
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(make_room(&path).is_ok(), free, "{text}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }
}
