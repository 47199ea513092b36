//! `sim portal` and `sim google`: one simulator alone, for any client.

use std::process::ExitCode;

use planfact_sim::company::{Company, Locale, Size, Spec};
use planfact_sim::{google, portal};

use super::Failure;
use super::args::{
    CompanySize, Global, GoogleArgs, PortalArgs, PortalBilling, PortalPlan, SimArgs, SimVerb,
};
use super::output::print_json;
use super::run::wait_for_signal;

/// Runs the simulator until SIGINT or SIGTERM.
pub(super) async fn run(global: &Global, args: &SimArgs) -> Result<ExitCode, Failure> {
    match &args.which {
        SimVerb::Portal(args) => portal(global, args).await,
        SimVerb::Google(args) => google(global, args).await,
    }
}

async fn portal(global: &Global, args: &PortalArgs) -> Result<ExitCode, Failure> {
    let mut company = company(args)?;
    if let Some(zone) = args.time_zone {
        company.set_zone(zone);
    }
    let plan = match args.plan {
        PortalPlan::Standard => portal::Plan::Standard,
        PortalPlan::Enterprise => portal::Plan::Enterprise,
        PortalPlan::Unlimited => portal::Plan::Unlimited,
    };
    let options = portal::Options {
        listen: args.listen,
        plan,
        page_ms: args.page_ms,
        operating: portal::Operating {
            billing: match args.billing {
                PortalBilling::Methods => portal::Billing::Methods,
                PortalBilling::Batch => portal::Billing::Batch,
                PortalBilling::Off => portal::Billing::Off,
            },
            limit_s: args.operating_limit,
            extra_ms: args.operating_ms,
            ..portal::Operating::default()
        },
        tls: args.tls,
        live_per_minute: args.live,
        ..portal::Options::default()
    };
    let running = portal::Portal::start(company, options)
        .await
        .map_err(|error| Failure::io("the portal simulator cannot start", &error))?;
    if let Some(file) = &args.faults {
        running
            .queue_faults(&read_list(file)?)
            .map_err(Failure::usage)?;
    }
    if let (Some(path), Some(secured)) = (&args.tls_cert_out, &running.secured) {
        std::fs::write(path, &secured.certificate)
            .map_err(|error| Failure::io(&format!("cannot write {}", path.display()), &error))?;
    }
    let secured = running.secured.as_ref().map(|secured| &secured.webhook_url);
    if global.json {
        let mut line = serde_json::json!({
            "webhook_url": running.webhook_url,
            "oauth": running.application(),
        });
        if let Some(secured) = secured {
            line["tls_webhook_url"] = serde_json::json!(secured);
        }
        print_json(&line);
    } else {
        println!("a Bitrix24 portal is at {}", running.webhook_url);
        if let Some(secured) = secured {
            println!("with TLS at {secured}");
        }
        println!(
            "requests seen so far: {}/_sim/requests; Ctrl-C ends it",
            running.base
        );
    }
    wait_for_signal().await;
    running.stop().await;
    Ok(ExitCode::SUCCESS)
}

fn company(args: &PortalArgs) -> Result<Company, Failure> {
    if let Some(folder) = &args.data {
        return Company::load(folder).map_err(|error| Failure::usage(error.to_string()));
    }
    let size = match args.size {
        CompanySize::Small => Size::Small,
        CompanySize::Large => Size::Large,
    };
    use crate::clock::Clock;
    let today = crate::clock::System.now().date_naive();
    Ok(Company::generate(&Spec {
        seed: args.seed,
        size,
        leads: args.leads,
        deals: args.deals,
        today,
        locale: Locale::Ru,
    }))
}

async fn google(global: &Global, args: &GoogleArgs) -> Result<ExitCode, Failure> {
    let options = google::Options {
        listen: args.listen,
        quotas: !args.no_quotas,
        accept_any_token: args.any_token,
        ..google::Options::default()
    };
    let running = google::Google::start(options)
        .await
        .map_err(|error| Failure::io("the Google simulator cannot start", &error))?;
    if let Some(file) = &args.faults {
        running
            .queue_faults(&read_list(file)?)
            .map_err(Failure::usage)?;
    }
    if let Some(file) = &args.seed {
        running.seed(&read_list(file)?).map_err(Failure::usage)?;
    }
    if let Some(path) = &args.credentials_out {
        crate::private_file::put(path, &running.credentials.to_string())
            .map_err(|error| Failure::io(&format!("cannot write {}", path.display()), &error))?;
    }
    if global.json {
        print_json(&serde_json::json!({"endpoint": running.endpoint, "folder": running.folder}));
    } else {
        println!("a Google is at {} (open it in a browser)", running.endpoint);
        println!(
            "folder {}; requests seen so far: {}/_sim/requests; Ctrl-C ends it",
            running.folder, running.endpoint
        );
    }
    wait_for_signal().await;
    running.stop().await;
    Ok(ExitCode::SUCCESS)
}

fn read_list(file: &std::path::Path) -> Result<serde_json::Value, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", file.display())))?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::usage(format!("{} is no JSON: {error}", file.display())))
}
