//! MongooseIM's method `http`: does the service know this certificate as the user's?

use core::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certjid_core::config::{ClientTls, HttpConnection, Secret};
use certjid_core::decide::{MethodAnswer, MethodQuestion};
use certjid_core::message::quote;
use certjid_core::pem::{self, Contents};
use form_urlencoded::byte_serialize;
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, HOST, HeaderValue, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::pool;
use super::tls::Tls;

/// A service at one address.
pub(super) struct Service {
    host: String,
    port: u16,
    tls: Option<Tls>,
    /// The header `Host`.
    authority: HeaderValue,
    path_prefix: String,
    request_timeout: Duration,
}

type Connection = SendRequest<Empty<Bytes>>;

impl Service {
    /// Prepares for `outgoing_pools.http.TAG.connection`.
    ///
    /// # Errors
    /// Where the address, or a file of its `tls` section, can't be used.
    pub(super) fn new(connection: &HttpConnection) -> Result<Self, String> {
        // The URL may hold a password, and is not repeated.
        let no_url = || "connection.host is no URL of a host".to_owned();
        let url: Uri = connection.host.parse().map_err(|_| no_url())?;
        let host = url.host().ok_or_else(no_url)?;
        let is_https = url.scheme_str() == Some("https");
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let tls = is_https.then(|| match &connection.tls {
            Some(tls) => Tls::new(tls, host),
            None => Tls::new(&ClientTls::default(), host),
        });
        let path_prefix = &connection.path_prefix;
        // A query or a fragment in it would swallow the question.
        let is_path = |uri: Uri| uri.path() == path_prefix;
        if !path_prefix.starts_with('/') || !path_prefix.parse().is_ok_and(is_path) {
            return Err(format!(
                "connection.path_prefix is not a path: {}",
                quote(path_prefix)
            ));
        }
        Ok(Self {
            host: host.to_owned(),
            port: url.port_u16().unwrap_or(if is_https { 443 } else { 80 }),
            tls: tls.transpose()?,
            authority: authority.parse().map_err(|_| no_url())?,
            path_prefix: path_prefix.clone(),
            request_timeout: connection.request_timeout,
        })
    }

    /// `get_certs` for the user.
    fn request(
        &self,
        question: &MethodQuestion<'_>,
        basic_auth: Option<&Secret>,
    ) -> Result<Request<Empty<Bytes>>, String> {
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let target = format!(
            "{}get_certs?user={}&server={}&pass=",
            self.path_prefix,
            encoded(question.username),
            encoded(question.host)
        );
        let mut request = Request::get(target)
            .header(HOST, &self.authority)
            .header(USER_AGENT, concat!("certjid/", env!("CARGO_PKG_VERSION")));
        if let Some(secret) = basic_auth {
            let encoded = STANDARD.encode(secret.expose());
            request = request.header(AUTHORIZATION, format!("Basic {encoded}"));
        }
        request
            .body(Empty::new())
            .map_err(|error| error.to_string())
    }

    async fn exchange(
        &self,
        mut connection: Connection,
        question: &MethodQuestion<'_>,
        basic_auth: Option<&Secret>,
    ) -> Result<(MethodAnswer, Option<Connection>), String> {
        connection.ready().await.map_err(|error| told(&error))?;
        let request = self.request(question, basic_auth)?;
        let response = connection
            .send_request(request)
            .await
            .map_err(|error| told(&error))?;
        let status = response.status();
        let body = match Limited::new(response.into_body(), MAX_BODY).collect().await {
            Ok(body) => body.to_bytes(),
            // Asking again would bring the same.
            Err(error) if error.is::<LengthLimitError>() => {
                let message = format!("the service answers with more than {MAX_BODY} bytes");
                return Ok((MethodAnswer::Unavailable(message), None));
            }
            Err(error) => return Err(told(&*error)),
        };
        let answer = match status {
            StatusCode::OK => compare(&body, question.certificate),
            status => without_certificates(status),
        };
        Ok((answer, Some(connection)))
    }

    async fn open(&self) -> Result<Connection, String> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
        let stream = stream.map_err(|error| error.to_string())?;
        // A request is one segment, and its answer is awaited.
        let _ = stream.set_nodelay(true);
        match &self.tls {
            Some(tls) => {
                let stream = tls.connect(stream).await;
                handshake(stream.map_err(|error| error.to_string())?).await
            }
            None => handshake(stream).await,
        }
    }

    fn too_slow(&self) -> String {
        format!(
            "nothing came within request_timeout ({} ms)",
            self.request_timeout.as_millis()
        )
    }
}

impl pool::Service for Service {
    type Connection = Connection;
    type Options = Option<Secret>;

    async fn connect(&self) -> Result<Connection, String> {
        timeout(self.request_timeout, self.open())
            .await
            .map_err(|_| self.too_slow())?
    }

    async fn ask(
        &self,
        connection: Connection,
        question: &MethodQuestion<'_>,
        basic_auth: &Option<Secret>,
    ) -> Result<(MethodAnswer, Option<Connection>), String> {
        let exchange = self.exchange(connection, question, basic_auth.as_ref());
        timeout(self.request_timeout, exchange)
            .await
            .map_err(|_| self.too_slow())?
    }
}

async fn handshake<T>(stream: T) -> Result<Connection, String>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| told(&error))?;
    // It ends with the sender, or when the service closes it.
    tokio::spawn(connection);
    Ok(sender)
}

/// An error with its causes: hyper's own words say little.
fn told(error: &dyn core::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// What a status without certificates says of the user. Of those that MongooseIM's page of this API
/// has, these mean that there is no certificate of the user. By any other nobody is refused: it
/// tells of the caller's credential (401), of its pace (429), of a server on the way, or of nothing
/// that `get_certs` asks for.
fn without_certificates(status: StatusCode) -> MethodAnswer {
    let message = format!("the service answers with status {}", status.as_u16());
    match status {
        StatusCode::NO_CONTENT => {
            MethodAnswer::Refused("the service knows no certificate of the user".to_owned())
        }
        StatusCode::BAD_REQUEST
        | StatusCode::FORBIDDEN
        | StatusCode::NOT_FOUND
        | StatusCode::CONFLICT => MethodAnswer::Refused(message),
        StatusCode::UNAUTHORIZED => MethodAnswer::Unavailable(format!(
            "{message}: it does not accept auth.http.basic_auth"
        )),
        _ => MethodAnswer::Unavailable(message),
    }
}

/// Looks for the client's certificate in the body of an answer.
pub fn compare(body: &[u8], certificate: &[u8]) -> MethodAnswer {
    // Text without a certificate is an answer too: none is known.
    match pem::certificates(body).map(Contents::ders) {
        Ok(known) if known.iter().any(|der| der == certificate) => {
            MethodAnswer::Accepted("the service knows the certificate".to_owned())
        }
        Ok(known) => MethodAnswer::Refused(format!(
            "the certificate is not among the {} that the service has for the user",
            known.len()
        )),
        Err(error) => MethodAnswer::Refused(format!("the service's answer can't be read: {error}")),
    }
}

/// The greatest answer of a service, in bytes: hundreds of certificates.
const MAX_BODY: usize = 1024 * 1024;
