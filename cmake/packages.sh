#!/bin/sh
# Installs the Debian packages that building, testing and running need, if any is missing.
set -eu
needed="make g++ cmake ninja-build pkg-config libcaf-dev librocksdb-dev libspdlog-dev catch2 libcli11-dev
libtomlplusplus-dev libinih-dev libarchive-dev libxxhash-dev libisal-dev nlohmann-json3-dev
libcpp-httplib-dev libexpat1-dev libpugixml-dev libcurl4-openssl-dev libssl-dev prometheus-cpp-dev
python3 tar"
missing=
for package in $needed; do
  if ! dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed'; then
    # g++ and its like may be here without their package.
    case $package in
      make | g++ | cmake | tar) command -v "$package" >/dev/null && continue ;;
      ninja-build) command -v ninja >/dev/null && continue ;;
      python3) command -v python3 >/dev/null && continue ;;
      pkg-config) command -v pkg-config >/dev/null && continue ;;
    esac
    missing="$missing $package"
  fi
done
[ -z "$missing" ] && exit 0
echo "installing:$missing"
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
if ! $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1; then
  $sudo apt-get update -qq
  $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi
