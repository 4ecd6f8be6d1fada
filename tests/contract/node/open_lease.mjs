// Opens leases in JavaScript, with @hpke/core and jose (docs/workers.md, "Open a lease").
// Reads from standard input {privateKey | pem, leaseKey, leases: [{lease, integrationId, seenVersion}]}
// and prints, for each lease, {content} or {refused}.
import { createPrivateKey } from "node:crypto";
import { text } from "node:stream/consumers";
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { base64url, calculateJwkThumbprint, importJWK, jwtVerify } from "jose";

const suite = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
});

// Each part after its length in 8 bytes, big-endian.
function lengthPrefixed(parts) {
  return Buffer.concat(parts.flatMap((part) => [number(part.length), part]));
}

function number(value) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

// The content of a lease, once it is proved to be ours, and of what was asked for.
export async function openLease(lease, integration, privateKey, leaseKey, seen = 0) {
  const thumbprint = await calculateJwkThumbprint(privateKey);
  const { payload } = await jwtVerify(lease, await importJWK(leaseKey, "EdDSA"), {
    algorithms: ["EdDSA"],
    typ: "lease+jwt",
    audience: `urn:ietf:params:oauth:jwk-thumbprint:sha-256:${thumbprint}`,
    requiredClaims: ["exp"],
  });
  if (payload.integrationId !== integration || payload.version < seen) {
    throw new Error("another lease");
  }
  const info = lengthPrefixed([
    Buffer.from("integrations/lease/v1"),
    Buffer.from(payload.workspaceId),
    Buffer.from(integration),
    number(payload.version),
    Buffer.from(thumbprint),
  ]);
  const sealed = base64url.decode(payload.sealed);
  const recipientKey = await suite.kem.importKey("jwk", privateKey, false);
  const context = { recipientKey, enc: sealed.slice(0, 32), info };
  const content = await suite.open(context, sealed.slice(32));
  return JSON.parse(new TextDecoder().decode(content));
}

const given = JSON.parse(await text(process.stdin));
const privateKey = given.privateKey ?? createPrivateKey(given.pem).export({ format: "jwk" });
const results = [];
for (const { lease, integrationId, seenVersion } of given.leases) {
  try {
    const content = await openLease(lease, integrationId, privateKey, given.leaseKey, seenVersion);
    results.push({ content });
  } catch (error) {
    results.push({ refused: `${error.name}: ${error.message}` });
  }
}
console.log(JSON.stringify(results));
