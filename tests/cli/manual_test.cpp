#include "cli/manual.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>
#include <sstream>

#include "cli/command_app.hpp"
#include "cli/command_definitions.hpp"
#include "cli/command_help.hpp"
#include "cli/manual_texts.hpp"

using namespace et;

namespace {

using name_set = std::set<std::string>;

// The options and arguments that a help text lists: "  -w,--workspace WORKSPACE   text".
name_set names_in_help(const std::string& help) {
  name_set names;
  std::istringstream lines{help};
  bool listing = false;
  for (std::string line; std::getline(lines, line);) {
    if (line == "Options:" || line == "Arguments:") listing = true;
    if (line.empty()) listing = false;
    if (!listing || line.size() < 3 || line[0] != ' ' || line[2] == ' ') continue;
    std::istringstream words{line};
    std::string word;
    words >> word;
    std::istringstream parts{word};
    for (std::string name; std::getline(parts, name, ',');) names.insert(name);
  }
  return names;
}

std::string unescaped(std::string text) {
  for (size_t at = 0; (at = text.find("\\-", at)) != std::string::npos;) text.replace(at, 2, "-");
  return text;
}

// The terms of a part of a page: what is bold in the line after .TP, or all of it in italics.
name_set names_in_page(const std::string& part) {
  name_set names;
  std::istringstream lines{part};
  bool is_term = false;
  for (std::string line; std::getline(lines, line);) {
    if (is_term && line.rfind("\\fI", 0) == 0) {
      names.insert(line.substr(3, line.find("\\fR") - 3));
    }
    for (size_t at = 0; is_term && (at = line.find("\\fB", at)) != std::string::npos;) {
      auto end = line.find("\\fR", at);
      names.insert(unescaped(line.substr(at + 3, end - at - 3)));
      at = end;
    }
    is_term = line == ".TP";
  }
  return names;
}

std::string part_of(const std::string& page, const std::string& from) {
  auto begin = page.find(from);
  if (begin == std::string::npos) return {};
  begin += from.size();
  auto end = std::min(page.find("\n.SH", begin), page.find("\n.SS", begin));
  return page.substr(begin, end - begin);
}

// The parts of `page` for each command below `app`.
void check_commands(const CLI::App& app, const std::string& page, const std::string& name) {
  for (const auto* sub : visible_subcommands(app)) {
    auto sub_name = name.empty() ? sub->get_name() : name + ' ' + sub->get_name();
    if (!visible_subcommands(*sub).empty()) {
      check_commands(*sub, page, sub_name);
      continue;
    }
    INFO(sub_name);
    auto in_help = names_in_help(sub->help());
    in_help.erase("-h");
    in_help.erase("--help");
    CHECK_FALSE(in_help.empty());
    CHECK(names_in_page(part_of(page, "\n.SS " + sub_name + "\n")) == in_help);
  }
}

void check_page(const CLI::App& app, const std::string& page) {
  INFO(page);
  auto in_help = names_in_help(app.help());
  CHECK(in_help.count("--help") == 1);
  CHECK(names_in_page(part_of(page, "\n.SH OPTIONS\n")) == in_help);
  if (command_name(app).empty()) return;
  check_commands(app, page, "");
  // Whatever is required or optional is in the synopsis too, in its shortest form.
  auto synopsis = unescaped(part_of(page, "\n.SH SYNOPSIS\n"));
  for (const auto& part : synopsis_of(app)) {
    for (const auto& words : part.alternatives) {
      CHECK(synopsis.find(words.short_form()) != std::string::npos);
    }
  }
}

}  // namespace

TEST_CASE("every option of --help is on the manual page and the other way round") {
  size_t pages = 0;
  for (const auto& one : all_subcommands()) {
    if (one.hidden) continue;
    INFO(one.name);
    ++pages;
    command_line line;
    auto page = manual_page_of(one.name);
    REQUIRE(page);
    if (one.alias != nullptr) {
      check_page(*make_command_app(one.alias, line), *page);
      CHECK(manual_page_of(one.alias) == page);
    } else {
      check_page(*make_command_app("elastictape", line)->get_subcommand(one.name), *page);
    }
  }
  CHECK(pages >= 8);
  command_line line;
  check_page(*make_command_app("elastictape", line), *manual_page_of(""));
  CHECK_FALSE(manual_page_of("nothing"));
  CHECK_FALSE(manual_page_of("documents"));
}

TEST_CASE("pages have the names that people look for") {
  name_set names;
  for (const auto& page : all_manual_pages()) names.insert(page.name);
  for (auto name :
       {"elastictape", "elastictape-serve", "et_put", "elastictape-put", "et_get", "et_rm", "et_ls",
        "elastictape-status", "elastictape-admin", "elastictape-export"}) {
    CHECK(names.count(name) == 1);
  }
  CHECK(names.count("elastictape-documents") == 0);
  for (const auto& page : all_manual_pages()) {
    if (page.name == "elastictape-put") CHECK(page.text == ".so man1/et_put.1\n");
  }
}

TEST_CASE("manual texts are about commands that exist, and well formed") {
  command_line line;
  auto main = make_command_app("elastictape", line);
  for (const auto& manual : all_manuals()) {
    std::string command = manual.command;
    INFO(command);
    auto* app = command.empty() ? main.get() : main->get_subcommand(command);
    std::vector<std::string> texts{manual.description};
    for (const auto& one : manual.exits) texts.emplace_back(one.meaning);
    for (const auto* items : {&manual.examples, &manual.environment, &manual.files}) {
      for (const auto& one : *items) texts.insert(texts.end(), {one.term, one.text});
    }
    for (const auto& section : manual.sections) {
      texts.push_back(section.text);
      for (const auto& one : section.items) texts.push_back(one.text);
    }
    for (const auto& text : texts) {
      INFO(text);
      CHECK_FALSE((text.empty()));
      CHECK(std::count(text.begin(), text.end(), '`') % 2 == 0);
      CHECK(std::all_of(text.begin(), text.end(), [](char c) { return c >= 0; }));
    }
    CHECK_FALSE(manual.exits.empty());
    auto options = options_of(*app);
    for (const auto& name : manual.one_of) {
      CHECK(std::any_of(options.begin(), options.end(),
                        [&](const auto& words) { return words.short_form() == name; }));
    }
  }
}

TEST_CASE("examples are command lines that parse") {
  for (const auto& manual : all_manuals()) {
    for (const auto& example : manual.examples) {
      INFO(example.term);
      auto begin = std::min(example.term.find("et_"), example.term.find("elastictape "));
      auto end = example.term.find_first_of("&|)", begin);
      std::istringstream words{example.term.substr(begin, end - begin)};
      std::vector<std::string> arguments;
      for (std::string word; words >> word;) arguments.push_back(word);
      auto parsed = parse_command_line(arguments);
      CHECK(parsed.what != command::none);
      CHECK(parsed.err_text.empty());
    }
  }
}

TEST_CASE("roff shows a text as it is, wherever it stands") {
  CHECK(roff_escaped(".py\n'quoted'\nend.", false) == "\\&.py\n\\&'quoted'\nend.");
  CHECK(roff_escaped("near-line, -w, --wait, - for input", false) ==
        "near-line, \\-w, \\-\\-wait, \\- for input");
  CHECK(roff_escaped("a-b 'c' ~/d ^ `e` \\t", true) ==
        "a\\-b \\(aqc\\(aq \\(ti/d \\(ha \\(gae\\(ga \\et");
}

TEST_CASE("a usage error says what is wrong, the usage and no more") {
  auto line = parse_command_line({"elastictape", "admin", "workspace", "add", "ws", "--frob"});
  CHECK(line.exit_code == 1);
  CHECK(line.err_text.rfind("elastictape admin: ", 0) == 0);
  CHECK(line.err_text.find("Usage: elastictape admin workspace add --root DIR...") !=
        std::string::npos);
  CHECK(line.err_text.find("Try --help.\n") != std::string::npos);
  CHECK(line.err_text.find("Examples:") == std::string::npos);
}
