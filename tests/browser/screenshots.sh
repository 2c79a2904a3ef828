#!/bin/sh
# Makes docs/images/*.png of a service with something to do: screenshots.sh [BUILD]
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build/release}
cmake --install "$build" --prefix "$PWD/$build/installed" > /dev/null
mkdir -p docs/images
ET_IMAGES=$PWD/docs/images "$build/tests/test_browser" '[.screenshots]'
ls -l docs/images
