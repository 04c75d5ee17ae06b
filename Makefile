# The two commands that do everything: `make demo` and `make test`. Both install what is missing
# on a Debian machine with Rust (rel/setup.sh).

.PHONY: demo fmt setup test

demo: setup
	@bash rel/demo.sh

test: setup
	@bash test/run.sh

setup:
	@bash rel/setup.sh

fmt:
	cargo fmt --all
