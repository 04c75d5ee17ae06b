"""Makes test/data/cases/chains-keyed.jsonl and chains-keyed-ca.pem from chains.jsonl and
chains-ca.pem, whose private keys nobody has: every key is replaced by a new one of its kind, every
signature made anew by the issuer's new key, and every validity widened to decades on its side of
the time that the chains are judged at. All else stays as it is, byte for byte, so that the same
answers hold in a real handshake at the present time.

Needs asn1crypto and cryptography from PyPI. The files are checked in: run it only when the
measured chains change, from the project's root.
"""

import datetime
import json

from asn1crypto import core, keys, pem, x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

CASES = "test/data/cases/"
JUDGED_AT = datetime.datetime(2026, 12, 1, tzinfo=datetime.timezone.utc)
PAST = [datetime.datetime(year, 1, 1, tzinfo=datetime.timezone.utc) for year in (2000, 2020)]
FUTURE = [datetime.datetime(year, 12, 31, tzinfo=datetime.timezone.utc) for year in (2048, 2049)]

HASHES = {"sha1": hashes.SHA1, "md5": hashes.MD5, "sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512}


def read_pem(text):
    return [x509.Certificate.load(der) for _, _, der in pem.unarmor(text, multiple=True)]


def rsa_padding(algorithm):
    """The padding and hash of an RSA signature algorithm; an altered one too has its hash."""
    hash_name = algorithm.hash_algo
    hash_ = HASHES[hash_name]()
    if algorithm.signature_algo == "rsassa_pss":
        salt = algorithm["parameters"]["salt_length"].native
        return padding.PSS(padding.MGF1(hash_), salt), hash_
    return padding.PKCS1v15(), hash_


def public_key(certificate):
    info = certificate.public_key
    if info.algorithm == "rsassa_pss":
        # As a plain RSA key: cryptography signs and verifies with the padding that it is told.
        info = keys.PublicKeyInfo.wrap(info["public_key"].parsed, "rsa")
    return serialization.load_der_public_key(info.dump())


def signed_by(certificate, issuer):
    algorithm, key = certificate["signature_algorithm"], public_key(issuer)
    signature = certificate["signature_value"].native
    tbs = certificate["tbs_certificate"].dump()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, tbs, *rsa_padding(algorithm))
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, tbs, ec.ECDSA(HASHES[algorithm.hash_algo]()))
        else:
            key.verify(signature, tbs)
    except (InvalidSignature, ValueError, KeyError, AttributeError):
        return False
    return True


def sign(key, algorithm, tbs):
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(tbs, *rsa_padding(algorithm))
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(tbs, ec.ECDSA(HASHES[algorithm.hash_algo]()))
    return key.sign(tbs)


def new_key(old):
    if isinstance(old, rsa.RSAPublicKey):
        return rsa.generate_private_key(65537, old.key_size)
    if isinstance(old, ec.EllipticCurvePublicKey):
        return ec.generate_private_key(old.curve)
    return ed25519.Ed25519PrivateKey.generate()


class Keys:
    """The new private key of each old public key."""

    def __init__(self):
        self.by_old = {}

    def of(self, certificate):
        old = certificate.public_key["public_key"].contents
        if old not in self.by_old:
            self.by_old[old] = new_key(public_key(certificate))
        return self.by_old[old]

    def stranger(self, certificate):
        """An issuer that is none of the certificates, by its name: a key that fits the algorithm."""
        name = ("stranger", certificate.issuer.dump())
        if name not in self.by_old:
            rsa_like = certificate["signature_algorithm"].signature_algo.startswith("rsa")
            self.by_old[name] = (
                rsa.generate_private_key(65537, 2048) if rsa_like else ec.generate_private_key(ec.SECP256R1())
            )
        return self.by_old[name]


def spki(certificate, key):
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    new, old = keys.PublicKeyInfo.load(der), certificate.public_key
    if old.algorithm == "rsassa_pss":
        return keys.PublicKeyInfo({"algorithm": old["algorithm"], "public_key": new["public_key"].parsed})
    return new


def private_key(certificate, key):
    """PKCS #8, with the algorithm as the certificate has it: for all of RSA, or RSA-PSS alone."""
    der = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    if certificate.public_key.algorithm == "rsassa_pss":
        info = keys.PrivateKeyInfo.load(der)
        algorithm = keys.PrivateKeyAlgorithm({"algorithm": "rsassa_pss"})
        parameters = certificate.public_key["algorithm"]["parameters"]
        if parameters.native is not None:
            algorithm["parameters"] = parameters
        info["private_key_algorithm"] = algorithm
        der = info.dump()
    return pem.armor("PRIVATE KEY", der).decode()


def time(value):
    return x509.Time({"utc_time": core.UTCTime(value)})


def validity(old):
    before, after = old["not_before"].native, old["not_after"].native
    if before > JUDGED_AT:
        before, after = FUTURE
    elif after < JUDGED_AT:
        before, after = PAST
    else:
        before, after = PAST[1], FUTURE[1]
    return x509.Validity({"not_before": time(before), "not_after": time(after)})


def rekey(certificate, known, tampered, new_keys):
    issuers = [issuer for issuer in known if signed_by(certificate, issuer)]
    if issuers:
        issuer_key = new_keys.of(issuers[0])
    elif tampered:
        named = [issuer for issuer in known if issuer.subject == certificate.issuer]
        issuer_key = new_keys.of(named[0])
    else:
        issuer_key = new_keys.stranger(certificate)
    new = certificate.copy()
    tbs = new["tbs_certificate"]
    tbs["validity"] = validity(tbs["validity"])
    tbs["subject_public_key_info"] = spki(certificate, new_keys.of(certificate))
    signature = bytearray(sign(issuer_key, new["signature_algorithm"], tbs.dump()))
    if tampered:
        signature[-1] ^= 1
    new["signature_value"] = bytes(signature)
    return new.dump()


def to_pem(der):
    return pem.armor("CERTIFICATE", der).decode()


def main():
    with open(CASES + "chains.jsonl") as file:
        rows = [json.loads(line) for line in file]
    with open(CASES + "chains-ca.pem", "rb") as file:
        anchors = read_pem(file.read())
    chains = [read_pem("".join(row["chain"]).encode()) for row in rows]
    known = anchors + [certificate for chain in chains for certificate in chain]
    new_keys = Keys()

    with open(CASES + "chains-keyed-ca.pem", "w") as file:
        file.writelines(to_pem(rekey(anchor, known, False, new_keys)) for anchor in anchors)
    with open(CASES + "chains-keyed.jsonl", "w") as file:
        for row, chain in zip(rows, chains):
            tampered = row["name"] == "tampered"
            keyed = {
                "name": row["name"],
                "chain": [
                    to_pem(rekey(certificate, known, tampered and certificate is chain[0], new_keys))
                    for certificate in chain
                ],
                "key": private_key(chain[0], new_keys.of(chain[0])),
                "want": row["want"],
            }
            file.write(json.dumps(keyed) + "\n")


main()
