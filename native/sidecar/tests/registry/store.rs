//! What every store does: one body for the file and for PostgreSQL.

use std::sync::Arc;

use certjid_core::certificate::Certificate;
use certjid_sidecar::issue::{Client, self_signed};
use certjid_sidecar::registry::{
    Added, Entry, Filter, MAX_CERTIFICATES, Missing, PAGE, RegistryError, Store, User, open,
};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

#[test]
fn the_file_is_a_store() {
    let dir = tempfile::tempdir().unwrap();
    is_a_store(dir.path().join("certificates.db").to_str().unwrap());
}

pub fn is_a_store(place: &str) {
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let missing = match open(place, Missing::Refuse) {
            Ok(store) => store.certificates(user("alice@a")).await.err(),
            Err(error) => Some(error),
        };
        let said = missing.expect("there is no registry yet").to_string();
        assert!(said.contains("there is no registry"), "{said}");

        let store = open(place, Missing::Create).unwrap();
        keeps_certificates_by_user(&*store).await;
        // Two processes or nodes have a store each.
        let others = (0..4).map(|_| Arc::from(open(place, Missing::Refuse).unwrap()));
        limits_a_user_whoever_adds(&*store, others.collect()).await;
        pages_in_order(&*store).await;
    });
}

async fn keeps_certificates_by_user(store: &dyn Store) {
    let (alice, bob) = (user("alice@a"), user("bob@a"));
    let (one, two) = (certificate(), certificate());
    let noted = Entry::new(alice.clone(), &one, 7, Some("ż'; --".to_owned())).unwrap();
    assert_eq!(store.add(noted.clone()).await.unwrap(), Added::New);
    let again = Entry::new(alice.clone(), &one, 8, None).unwrap();
    assert_eq!(store.add(again).await.unwrap(), Added::Known);
    assert_eq!(store.add(entry(&alice, &two)).await.unwrap(), Added::New);
    assert_eq!(store.add(entry(&bob, &two)).await.unwrap(), Added::New);

    let mut ders = store.certificates(alice.clone()).await.unwrap();
    ders.sort();
    let mut expected = [one.der().to_vec(), two.der().to_vec()];
    expected.sort();
    assert_eq!(ders, expected);
    assert_eq!(store.certificates(user("bob@b")).await.unwrap().len(), 0);
    assert_eq!(store.certificates(user("a@alice")).await.unwrap().len(), 0);
    let listed = store.page(Filter::User(alice.clone()), None).await.unwrap();
    assert!(listed.contains(&noted), "the first entry stays as it was");

    let missing = store.remove(bob.clone(), Some(one.fingerprint())).await;
    assert_eq!(missing.unwrap(), 0);
    let removed = store.remove(alice.clone(), Some(one.fingerprint())).await;
    assert_eq!(removed.unwrap(), 1);
    assert_eq!(
        store.certificates(alice.clone()).await.unwrap(),
        [two.der()]
    );
    assert_eq!(store.remove(alice.clone(), None).await.unwrap(), 1);
    assert_eq!(store.certificates(alice).await.unwrap().len(), 0);
    assert_eq!(store.remove(bob, None).await.unwrap(), 1);
}

async fn limits_a_user_whoever_adds(store: &dyn Store, others: Vec<Arc<dyn Store>>) {
    let full = user("full@a");
    for _ in 1..MAX_CERTIFICATES {
        let added = store.add(entry(&full, &certificate())).await.unwrap();
        assert_eq!(added, Added::New);
    }
    // There is one place, and each of the others wants it.
    for _ in 0..20 {
        let mut adding = JoinSet::new();
        for other in &others {
            let (other, entry) = (Arc::clone(other), entry(&full, &certificate()));
            adding.spawn(async move {
                let fingerprint = entry.fingerprint;
                match other.add(entry).await {
                    Ok(added) => {
                        assert_eq!(added, Added::New);
                        Some(fingerprint)
                    }
                    Err(RegistryError::TooManyCertificates(_)) => None,
                    Err(error) => panic!("{error}"),
                }
            });
        }
        let added: Vec<_> = adding.join_all().await.into_iter().flatten().collect();
        let [fingerprint] = added[..] else {
            panic!("{} certificates found a place", added.len())
        };
        let removed = store.remove(full.clone(), Some(fingerprint)).await;
        assert_eq!(removed.unwrap(), 1);
    }
    let removed = store.remove(full, None).await.unwrap();
    assert_eq!(removed, u64::from(MAX_CERTIFICATES) - 1);
}

async fn pages_in_order(store: &dyn Store) {
    let certificate = certificate();
    // The order is that of the bytes, not that of a language.
    let names = ["Z", "a-b", "ab", "a.c", "é", "ß", "żółw", "b"].map(|name| format!("x@{name}"));
    let more = (0..PAGE).map(|i| format!("user{i}@many"));
    for jid in names.into_iter().chain(more) {
        store.add(entry(&user(&jid), &certificate)).await.unwrap();
    }
    let first = store.page(Filter::All, None).await.unwrap();
    assert_eq!(first.len(), PAGE as usize);
    let second = store
        .page(Filter::All, first.last().cloned())
        .await
        .unwrap();
    let hosts: Vec<String> = first
        .iter()
        .chain(&second)
        .map(|entry| {
            entry
                .user
                .to_string()
                .rsplit_once('@')
                .unwrap()
                .1
                .to_owned()
        })
        .collect();
    assert_eq!(hosts.len(), PAGE as usize + 8);
    assert!(hosts.is_sorted(), "{hosts:?}");
    let many = store
        .page(Filter::Host("many".to_owned()), None)
        .await
        .unwrap();
    assert_eq!(many.len(), PAGE as usize);
    let behind = store
        .page(Filter::Host("many".to_owned()), many.last().cloned())
        .await;
    assert_eq!(behind.unwrap(), []);
}

fn user(jid: &str) -> User {
    User::parse(jid).unwrap()
}

fn entry(user: &User, certificate: &Certificate) -> Entry {
    Entry::new(user.clone(), certificate, 1, None).unwrap()
}

fn certificate() -> Certificate {
    let client = Client {
        days: 1,
        ..Client::default()
    };
    Certificate::from_der(self_signed(&client).unwrap().certificate.der()).unwrap()
}
