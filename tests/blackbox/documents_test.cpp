#include <catch2/catch.hpp>

#include "tests/blackbox/harness.hpp"

using namespace et::blackbox;

namespace {

fs::path share() {
  return binaries().parent_path() / "share";
}

}  // namespace

TEST_CASE("the installed manual pages are clean for groff") {
  if (!fs::exists("/usr/bin/groff")) {
    WARN("not tested: groff is not installed");
    return;
  }
  size_t pages = 0;
  for (const auto& page : fs::directory_iterator{share() / "man" / "man1"}) {
    // References to other pages are relative to the folder above.
    auto checked =
        run({"/bin/sh", "-c",
             "cd '" + (share() / "man").string() + "' && groff -man -ww -z -Tutf8 'man1/" +
                 page.path().filename().string() + "'"});
    INFO(page.path());
    CHECK(checked.code == 0);
    CHECK(checked.err.empty());
    ++pages;
  }
  CHECK(pages >= 13);
}

TEST_CASE("man finds the installed pages under all their names") {
  if (!fs::exists("/usr/bin/man") || !fs::exists("/usr/bin/groff")) {
    WARN("not tested: man is not installed");
    return;
  }
  for (std::string name : {"elastictape", "elastictape-serve", "et_put", "elastictape-put"}) {
    auto shown = run({"/usr/bin/man", "-M", (share() / "man").string(), name},
                     {{"MANWIDTH", "80"}, {"MANPAGER", "cat"}, {"LC_ALL", "C"}});
    INFO(name << shown.err);
    CHECK(shown.code == 0);
    CHECK(shown.out.find("SYNOPSIS") != std::string::npos);
    CHECK(shown.out.find("EXIT STATUS") != std::string::npos);
    if (name == "elastictape-put") CHECK(shown.out.find("et_put - register") != std::string::npos);
  }
}
