# The commands of the project. Everything that is missing and Debian has is installed first (Scripts/setup).

SWIFT_BUILD = swift build --explicit-target-dependency-import-check error

.PHONY: build demo test soak clean setup

build: setup
	$(SWIFT_BUILD)

demo: setup
	Scripts/demo

test: setup
	Scripts/test

soak: setup
	Scripts/soak

clean:
	swift package clean
	rm -rf .cache

setup:
	Scripts/setup
