#!/bin/sh
# Puts into the folder given what the tests of reports compare with: the schema of SARIF 2.1.0, which the npm package
# @microsoft/jest-sarif carries, the XSD of Jenkins' JUnit reports, which pytest's sources carry, and Python's validators.
# Says nothing and does nothing where they are there.
set -eu
folder=$1
[ -e "$folder/junit.xsd" ] && exit 0
mkdir -p "$folder"
cd "$folder"
pip install -q --target python jsonschema xmlschema
npm pack -s @microsoft/jest-sarif@1.0.0-beta.0 >/dev/null
tar xzOf microsoft-jest-sarif-*.tgz package/lib/schemas/sarif-2.1.0-rtm.5.json >sarif.json
pip download -q --no-deps --no-binary pytest pytest==8.3.4
# The last, and all at once: its presence says that everything is there.
tar xzOf pytest-8.3.4.tar.gz pytest-8.3.4/testing/example_scripts/junit-10.xsd >junit.xsd.tmp
mv junit.xsd.tmp junit.xsd
