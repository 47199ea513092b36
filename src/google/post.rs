//! Requests that the hubs make badly or not at all: a body is posted as it is.
//!
//! `files.create` without content is not in the Drive hub, and the Sheets hub turns a batch into trees
//! of a kilobyte a cell, twice.

use google_drive3::common;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use serde::de::DeserializeOwned;

use super::{AGENT, Google, Watch};

impl Google {
    /// Posts JSON and reads JSON, with the hub's own errors.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        url: String,
        body: Bytes,
        mut watch: Watch,
    ) -> common::Result<T> {
        let token = self
            .sign_in
            .token()
            .await
            .map_err(|error| common::Error::MissingToken(Box::new(error)))?;
        let body = Full::new(body).map_err(|never| match never {});
        let request = hyper::Request::post(url)
            .header(hyper::header::AUTHORIZATION, format!("Bearer {token}"))
            .header(hyper::header::CONTENT_TYPE, "application/json")
            .header(hyper::header::USER_AGENT, AGENT)
            .body(common::Body::new(body))
            .map_err(|error| common::Error::Io(std::io::Error::other(error)))?;
        watch.count();
        let answer = self
            .drive
            .client
            .request(request)
            .await
            .map_err(common::Error::HttpError)?;
        let (parts, body) = answer.into_parts();
        let body = common::to_bytes(body).await.unwrap_or_default();
        if parts.status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| {
                common::Error::JsonDecodeError(String::from_utf8_lossy(&body).into(), error)
            });
        }
        let told = serde_json::from_slice(&body);
        let response = common::to_response(parts, Some(body));
        common::Delegate::http_failure(&mut watch, &response, None);
        Err(match told {
            Ok(told) => common::Error::BadRequest(told),
            Err(_) => common::Error::Failure(response),
        })
    }
}
