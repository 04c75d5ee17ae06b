# The two commands that do everything: `make demo` and `make test`. Both install what is missing
# on a Debian machine with Rust (rel/setup.sh).

.PHONY: demo test setup fmt

test: setup
	@bash test/run.sh

setup:
	@bash rel/setup.sh

fmt:
	cargo fmt --all
