//! A model of the connections: whatever the order in which clients send parts of frames, whole
//! requests or many, read, close or vanish while the policy is reloaded, every whole request of a
//! client that is there gets one reply, with its id and the right decision.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::net::Shutdown;
use std::sync::LazyLock;
use std::time::Duration;

use certjid_sidecar::server::Limits;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::common::{Connection, Sidecar, Site};
use crate::login;

#[derive(Clone, Debug)]
enum Step {
    /// The client sends so many whole requests of a kind, the rest of a begun one before.
    Send(usize, Kind, usize),
    /// The client begins a request, so many per mille of it.
    Begin(usize, Kind, usize),
    /// The client reads so many replies, as far as there are due ones.
    Read(usize, usize),
    /// The client says that it sends no more.
    Shut(usize),
    /// The client is gone, and another comes in its place.
    Vanish(usize),
    /// The other CA is the trusted one from now on.
    Reload,
    /// The file is broken for now.
    ReloadBroken,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    /// Of the first CA or of the second.
    Login(usize),
    OtherHost,
    Status,
    Unknown,
}

fn step() -> impl Strategy<Value = Step> {
    let client = 0..CLIENTS;
    let kind = prop_oneof![
        3 => (0..2_usize).prop_map(Kind::Login),
        1 => Just(Kind::OtherHost),
        1 => Just(Kind::Status),
        1 => Just(Kind::Unknown),
    ];
    prop_oneof![
        4 => (client.clone(), kind.clone(), 1..20_usize).prop_map(|(c, k, n)| Step::Send(c, k, n)),
        3 => (client.clone(), kind, 0..1000_usize).prop_map(|(c, k, n)| Step::Begin(c, k, n)),
        3 => (client.clone(), 1..30_usize).prop_map(|(c, n)| Step::Read(c, n)),
        1 => client.clone().prop_map(Step::Shut),
        1 => client.prop_map(Step::Vanish),
        1 => Just(Step::Reload),
        1 => Just(Step::ReloadBroken),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 40,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_whole_request_gets_its_one_reply(steps in vec(step(), 1..40), stop in any::<bool>()) {
        let mut model = Model::new();
        for step in steps {
            model.apply(step);
        }
        model.finish(stop);
    }
}

/// Two CAs, of which one is trusted at a time, and a client's certificate of each.
struct World {
    site: Site,
    cas: [Vec<u8>; 2],
    ders: [Vec<u8>; 2],
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let sites = [Site::new(), Site::new()];
    let cas = sites
        .each_ref()
        .map(|site| fs::read(site.path("ca.pem")).unwrap());
    let ders = sites
        .each_ref()
        .map(|site| site.client(&["alice@localhost"]));
    let [site, _] = sites;
    World { site, cas, ders }
});

struct Model {
    site: Site,
    sidecar: Option<Sidecar>,
    clients: Vec<Client>,
    /// Reloads that took effect; the trusted CA is this modulo 2.
    version: usize,
    next_id: usize,
}

struct Client {
    connection: Connection,
    /// The rest of a begun request, and what it is.
    begun: Option<(Vec<u8>, usize, Kind)>,
    /// By id, what was asked and the version in use when it was sent.
    due: BTreeMap<usize, (Kind, usize)>,
    shut: bool,
}

impl Model {
    fn new() -> Self {
        let site = Site::new();
        fs::write(site.path("ca.pem"), &WORLD.cas[0]).unwrap();
        assert!(WORLD.site.config().exists());
        let sidecar = site.serve_with(Limits {
            frame_timeout: Duration::from_secs(120),
            ..Limits::default()
        });
        let clients = (0..CLIENTS).map(|_| Client::new(&sidecar)).collect();
        Self {
            site,
            sidecar: Some(sidecar),
            clients,
            version: 0,
            next_id: 0,
        }
    }

    fn sidecar(&self) -> &Sidecar {
        self.sidecar.as_ref().unwrap()
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Send(client, kind, count) => {
                for _ in 0..count {
                    self.begin(client, kind, 1000);
                    self.clients[client].complete(self.version);
                }
            }
            Step::Begin(client, kind, part) => {
                self.begin(client, kind, part);
            }
            Step::Read(client, count) => {
                for _ in 0..count {
                    self.clients[client].read(self.version);
                }
            }
            Step::Shut(client) => self.clients[client].shut(self.version),
            Step::Vanish(client) => {
                self.clients[client] = Client::new(self.sidecar());
            }
            Step::Reload => {
                let ca = &WORLD.cas[(self.version + 1) % 2];
                fs::write(self.site.path("ca.pem"), ca).unwrap();
                // Requests that are on their way see this version or the one before.
                self.version += 1;
                self.sidecar().service.reload();
            }
            Step::ReloadBroken => {
                fs::write(self.site.path("ca.pem"), "broken").unwrap();
                self.sidecar().service.reload();
            }
        }
    }

    fn begin(&mut self, client: usize, kind: Kind, part: usize) {
        let client = &mut self.clients[client];
        if client.shut {
            return;
        }
        client.complete(self.version);
        if client.due.len() >= MAX_DUE {
            client.read(self.version);
        }
        self.next_id += 1;
        let request = request(self.next_id, kind).to_string();
        let mut frame = u32::try_from(request.len()).unwrap().to_be_bytes().to_vec();
        frame.extend(request.bytes());
        let rest = frame.split_off(frame.len() * part / 1000);
        client.connection.0.write_all(&frame).unwrap();
        if rest.is_empty() {
            client.due.insert(self.next_id, (kind, self.version));
        } else {
            client.begun = Some((rest, self.next_id, kind));
        }
    }

    /// Reads all that is due. With `stop`, the sidecar stops in the middle of it, and what it had
    /// not read yet may stay without an answer.
    fn finish(mut self, stop: bool) {
        let version = self.version;
        for client in &mut self.clients {
            client.complete(version);
        }
        if stop {
            self.sidecar.as_mut().unwrap().stop();
            for client in &mut self.clients {
                while client.read_one(version) {}
            }
        } else {
            for client in &mut self.clients {
                client.shut(version);
                while !client.due.is_empty() {
                    assert!(
                        client.read_one(version),
                        "without a reply: {:?}",
                        client.due
                    );
                }
                assert_eq!(client.connection.receive(), None, "nothing follows");
            }
        }
        self.sidecar.take().unwrap().join();
    }
}

impl Client {
    fn new(sidecar: &Sidecar) -> Self {
        let connection = sidecar.connect();
        connection
            .0
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        Self {
            connection,
            begun: None,
            due: BTreeMap::new(),
            shut: false,
        }
    }

    fn complete(&mut self, version: usize) {
        if let Some((rest, id, kind)) = self.begun.take() {
            self.connection.0.write_all(&rest).unwrap();
            self.due.insert(id, (kind, version));
        }
    }

    fn shut(&mut self, version: usize) {
        self.complete(version);
        if !self.shut {
            self.connection.0.shutdown(Shutdown::Write).unwrap();
            self.shut = true;
        }
    }

    fn read(&mut self, version: usize) {
        if !self.due.is_empty() {
            assert!(self.read_one(version), "without a reply: {:?}", self.due);
        }
    }

    /// Reads and judges a reply; false where the sidecar has closed the connection.
    fn read_one(&mut self, version: usize) -> bool {
        let Some(reply) = self.connection.receive() else {
            return false;
        };
        let reply: Value = serde_json::from_slice(&reply).unwrap();
        let id = usize::try_from(reply["id"].as_u64().expect("an id")).unwrap();
        let (kind, sent) = self.due.remove(&id).expect("one reply to what was asked");
        match kind {
            Kind::Login(ca) => {
                let right = match (reply["allowed"].as_bool(), &reply["reason"]) {
                    (Some(true), _) => {
                        assert_eq!(reply["jid"], "alice@localhost");
                        (sent..=version).any(|version| version % 2 == ca)
                    }
                    (_, reason) if reason == "unknown_ca" => {
                        (sent..=version).any(|version| version % 2 != ca)
                    }
                    _ => false,
                };
                assert!(right, "CA {ca}, versions {sent} to {version}: {reply}");
            }
            Kind::OtherHost => assert_eq!(reply["reason"], "host_unknown"),
            Kind::Status => assert!(reply["pid"].is_u64()),
            Kind::Unknown => assert_eq!(reply["error"], "bad_request"),
        }
        true
    }
}

fn request(id: usize, kind: Kind) -> Value {
    match kind {
        Kind::Login(ca) => login(id, &WORLD.ders[ca]),
        Kind::OtherHost => {
            let mut request = login(id, &WORLD.ders[0]);
            request["host"] = json!("other.example");
            request
        }
        Kind::Status => json!({ "id": id, "request": "status" }),
        Kind::Unknown => json!({ "id": id, "request": "pardon" }),
    }
}

const CLIENTS: usize = 3;

/// Requests without a reply: the socket has room for as many, so that nobody waits for another.
const MAX_DUE: usize = 60;
