-- Prosody for docs/quick-start.md: on this machine alone, with its files beside this one.
run_as_root = true -- Where that is who you are, as in a container.
data_path = "."
plugin_paths = { "." }
log = { info = "prosody.log" }

modules_enabled = { "roster", "saslauth", "tls", "disco", "posix" }
modules_disabled = { "s2s" }
c2s_interfaces = { "127.0.0.1" }
c2s_ports = { 15222 }
c2s_ssl = { certificate = "server.pem", key = "server.key", verify = "peer" }

VirtualHost "localhost"
	authentication = "certjid"
	certjid_socket = "certjid.sock"
