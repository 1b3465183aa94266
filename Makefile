# The commands of the project. Everything that is missing and Debian has is installed first (Scripts/setup).

SWIFT_BUILD = swift build --explicit-target-dependency-import-check error

.PHONY: build demo test soak bench bench-quick clean setup

build: setup
	$(SWIFT_BUILD)

demo: setup
	Scripts/demo

test: setup
	Scripts/test

soak: setup
	Scripts/soak

bench: setup
	Scripts/bench

bench-quick: setup
	Scripts/bench quick

clean:
	swift package clean
	rm -rf .cache

setup:
	Scripts/setup
