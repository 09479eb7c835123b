//! Artifacts in S3 (reference 5.4): `<folder>/<id>` in a bucket.

use std::error::Error as _;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::{Credentials, RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use aws_smithy_http_client::{Builder, tls};

use super::{ArtifactKind, Progress, StoreError};
use crate::base::redact::redact;
use crate::prover::settings::S3Config;

/// A bucket.
#[derive(Clone)]
pub struct S3Store {
    client: Client,
    bucket: String,
    /// For errors: without secrets.
    shown: String,
    piece: usize,
}

impl S3Store {
    /// Credentials come from the SDK's whole chain: environment, profiles, SSO,
    /// processes, web identity, containers, instances. Values above `piece` bytes
    /// go in parts of that size.
    pub async fn new(config: &S3Config, piece: usize) -> Self {
        let http = Builder::new().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring)).build_https();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .region(Region::new(config.region.clone()))
            // As the cluster's own clients do.
            .retry_config(RetryConfig::standard().with_max_attempts(4))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(5))
                    .operation_attempt_timeout(Duration::from_secs(120))
                    .build(),
            )
            // Other servers than Amazon's do not all know the checksums that
            // newer SDKs add to every request.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        if let Some(url) = &config.endpoint {
            loader = loader.endpoint_url(url);
        }
        if let Some(profile) = &config.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(k) = &config.keys {
            loader = loader.credentials_provider(Credentials::new(&k.id, &k.secret, k.token.clone(), None, "env-file"));
        }
        let shared = loader.load().await;
        let s3 = aws_sdk_s3::config::Builder::from(&shared).force_path_style(config.path_style).build();
        let shown = format!("s3://{}", config.bucket);
        Self { client: Client::from_conf(s3), bucket: config.bucket.clone(), shown, piece: piece.max(1) }
    }

    fn key(kind: ArtifactKind, id: &str) -> String {
        format!("{}/{id}", kind.folder())
    }

    /// Stores a value, in parts where it is large.
    pub async fn put(&self, kind: ArtifactKind, id: &str, value: &[u8], progress: Progress<'_>) -> Result<(), StoreError> {
        let key = Self::key(kind, id);
        let total = value.len() as u64;
        progress(0, total);
        if value.len() > self.piece {
            self.put_parts(&key, value, progress).await?;
        } else {
            let body = ByteStream::from(value.to_vec());
            self.client.put_object().bucket(&self.bucket).key(&key).body(body).send().await.map_err(|e| self.error(&key, &e))?;
        }
        progress(total, total);
        Ok(())
    }

    async fn put_parts(&self, key: &str, value: &[u8], progress: Progress<'_>) -> Result<(), StoreError> {
        let begun = self.client.create_multipart_upload().bucket(&self.bucket).key(key).send().await.map_err(|e| self.error(key, &e))?;
        let upload = begun.upload_id().unwrap_or_default();
        let parts = self.parts(key, upload, value, progress).await;
        let done = match parts {
            Ok(parts) => {
                let all = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
                let request = self.client.complete_multipart_upload().bucket(&self.bucket).key(key).upload_id(upload);
                request.multipart_upload(all).send().await.map(drop).map_err(|e| self.error(key, &e))
            }
            Err(e) => Err(e),
        };
        if done.is_err() {
            // Parts that are left behind cost money; if this fails too, a
            // lifecycle rule of the bucket is all that is left.
            let _ = self.client.abort_multipart_upload().bucket(&self.bucket).key(key).upload_id(upload).send().await;
        }
        done
    }

    async fn parts(&self, key: &str, upload: &str, value: &[u8], progress: Progress<'_>) -> Result<Vec<CompletedPart>, StoreError> {
        let mut parts = Vec::new();
        let mut done = 0;
        for (n, piece) in (1..).zip(value.chunks(self.piece)) {
            let request = self.client.upload_part().bucket(&self.bucket).key(key).upload_id(upload).part_number(n);
            let answer = request.body(ByteStream::from(piece.to_vec())).send().await.map_err(|e| self.error(key, &e))?;
            parts.push(CompletedPart::builder().part_number(n).set_e_tag(answer.e_tag).build());
            done += piece.len() as u64;
            progress(done, value.len() as u64);
        }
        Ok(parts)
    }

    /// Reads a value. The body comes as it arrives, so one request does.
    pub async fn get(&self, kind: ArtifactKind, id: &str, progress: Progress<'_>) -> Result<Vec<u8>, StoreError> {
        let key = Self::key(kind, id);
        let request = self.client.get_object().bucket(&self.bucket).key(&key);
        let mut answer = request.send().await.map_err(|e| self.error(&key, &e))?;
        let total = answer.content_length().and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
        let mut value = Vec::new();
        progress(0, total);
        loop {
            match answer.body.try_next().await {
                Ok(Some(part)) => {
                    value.extend_from_slice(&part);
                    progress(value.len() as u64, total.max(value.len() as u64));
                }
                Ok(None) => break,
                Err(e) => return Err(StoreError::passing(format!("{}/{key}: the download broke off: {e}", self.shown))),
            }
        }
        if total > 0 && (value.len() as u64) < total {
            return Err(StoreError::passing(format!("{}/{key}: {} of {total} bytes came", self.shown, value.len())));
        }
        Ok(value)
    }

    /// Whether it is there.
    pub async fn exists(&self, kind: ArtifactKind, id: &str) -> Result<bool, StoreError> {
        let key = Self::key(kind, id);
        match self.client.head_object().bucket(&self.bucket).key(&key).send().await {
            Ok(_) => Ok(true),
            Err(e) => {
                let e = self.error(&key, &e);
                if e.missing { Ok(false) } else { Err(e) }
            }
        }
    }

    fn error<E>(&self, key: &str, e: &SdkError<E, HttpResponse>) -> StoreError
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        let place = format!("{}/{key}", self.shown);
        let mut text = e.to_string();
        let mut cause = e.source();
        while let Some(c) = cause {
            let more = c.to_string();
            if !text.contains(&more) {
                text = format!("{text}: {more}");
            }
            cause = c.source();
        }
        let text = redact(&text).replace(['\n', '\r'], " ");
        match e {
            SdkError::ServiceError(s) => {
                let code = s.err().code().unwrap_or_default().to_owned();
                let said = s.err().message().unwrap_or_default();
                // An answer to HEAD has no body, so only its status.
                let status = e.raw_response().map_or(0, |r| r.status().as_u16());
                match code.as_str() {
                    "NoSuchKey" | "NotFound" => StoreError::missing(key, &self.shown),
                    "" if status == 404 => StoreError::missing(key, &self.shown),
                    "" if status == 401 || status == 403 => {
                        StoreError::lasting(format!("{place}: refused ({status}); check the AWS credentials and what they may do"))
                    }
                    "" if status >= 500 => StoreError::passing(format!("{place}: the server failed ({status})")),
                    "NoSuchBucket" => StoreError::lasting(format!("{} does not exist; check CLI_S3_BUCKET and CLI_S3_REGION", self.shown)),
                    "AccessDenied" | "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "ExpiredToken" => {
                        StoreError::lasting(format!("{place}: {code} {said}; check the AWS credentials and what they may do"))
                    }
                    "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" => {
                        StoreError::lasting(format!("{place}: {code} {said}; the bucket is in another region: check CLI_S3_REGION"))
                    }
                    "" if status == 301 => StoreError::lasting(format!("{} is in another region: check CLI_S3_REGION", self.shown)),
                    "SlowDown" | "InternalError" | "ServiceUnavailable" | "RequestTimeout" => {
                        StoreError::passing(format!("{place}: {code} {said}"))
                    }
                    _ => StoreError::lasting(format!("{place}: {code} {said} {text}")),
                }
            }
            SdkError::DispatchFailure(d) if !d.is_timeout() && !d.is_io() => StoreError::lasting(format!(
                "{place}: {text}; are there AWS credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, a role)?"
            )),
            _ => StoreError::passing(format!("{place}: {text}; check AWS_ENDPOINT_URL, the region, and the network")),
        }
    }
}
