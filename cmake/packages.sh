#!/bin/sh
# Installs the Debian packages that building, testing and running need, if any is missing. With the
# argument `browser` also a browser (120 MB, half a minute), with `fuzz` clang (a minute), with `tidy`
# clang-tidy, if they can be had: what needs them is skipped without.
set -eu
needed="make g++ cmake ninja-build pkg-config libcaf-dev librocksdb-dev libspdlog-dev catch2 libcli11-dev
libtomlplusplus-dev libinih-dev libarchive-dev libxxhash-dev libisal-dev nlohmann-json3-dev
libcpp-httplib-dev libexpat1-dev libpugixml-dev libcurl4-openssl-dev libssl-dev libmunge-dev prometheus-cpp-dev
python3 tar"
wanted=
[ "${1:-}" = browser ] && wanted="chromium chromium-driver"
[ "${1:-}" = fuzz ] && wanted="clang libclang-rt-dev"
[ "${1:-}" = tidy ] && wanted="clang clang-tidy"
is_installed() {
  dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'
}
missing=
for package in $needed; do
  if ! is_installed "$package"; then
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
optional=
for package in $wanted; do
  is_installed "$package" || optional="$optional $package"
done
[ -z "$missing$optional" ] && exit 0
echo "installing:$missing$optional"
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
export DEBIAN_FRONTEND=noninteractive
install() {
  $sudo apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 && return
  $sudo apt-get update -qq
  $sudo apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}
# shellcheck disable=SC2086
[ -z "$missing" ] || install $missing
# shellcheck disable=SC2086
[ -z "$optional" ] || install $optional || echo "without$optional"
