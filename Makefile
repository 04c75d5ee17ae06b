# The two commands that do everything: `make demo` and `make test`. Each installs what it needs and
# what is missing on a Debian machine with Rust (rel/setup.sh).

.PHONY: bench demo fmt fuzz-smoke hostile package pictures sanitizer setup test test-next

demo:
	@bash rel/setup.sh demo
	@bash rel/demo.sh

test: setup
	@bash test/run.sh

# On the OTP of Debian's unstable, which moves: no part of CI.
test-next: setup
	@sh rel/build-nif.sh
	@cargo build --locked -p certjid-sidecar
	@bash test/otp.sh unstable

# The Debian package and the archive for Erlang nodes, into target/dist.
package: setup
	@bash rel/package.sh

# docs/*.svg from docs/pictures/*.dot.
pictures:
	@bash rel/pictures.sh

setup:
	@bash rel/setup.sh

# Some seconds of each fuzz target; docs/fuzzing.md has the hours.
fuzz-smoke:
	@bash test/fuzz.sh smoke

# The node under fire as test/run.sh has it, for longer: an hour or so.
hostile: setup
	CERTJID_HOSTILE_CALLS=1000000 CERTJID_HOSTILE_MEMORY_CALLS=10000000 \
		rebar3 ct --suite test/hostile_SUITE

# AddressSanitizer, with a nightly toolchain.
sanitizer: setup
	@bash test/sanitizer.sh

fmt:
	cargo fmt --all
	cargo fmt --manifest-path native/fuzz/Cargo.toml

# The figures of docs/benchmarks.md, on a machine that does nothing else.
bench: setup
	@bash test/bench.sh
