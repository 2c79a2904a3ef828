#include "cli/commands/documents.hpp"

#include <filesystem>
#include <fstream>

#include "cli/command_app.hpp"
#include "cli/completion_scripts.hpp"
#include "cli/manual.hpp"

namespace et {

namespace {

namespace fs = std::filesystem;

caf::error write_document(const fs::path& file, const std::string& text) {
  std::error_code code;
  fs::create_directories(file.parent_path(), code);
  if (code) return fail_errno("cannot make " + file.parent_path().string(), code.value());
  std::ofstream out{file, std::ios::binary | std::ios::trunc};
  out << text;
  out.close();
  if (!out) return fail(errc::io_error, "cannot write " + file.string());
  return caf::none;
}

caf::error write_link(const fs::path& link, const std::string& target) {
  std::error_code code;
  fs::remove(link, code);
  fs::create_symlink(target, link, code);
  if (code) return fail_errno("cannot make " + link.string(), code.value());
  return caf::none;
}

}  // namespace

int run_manual(const manual_options& options, command_context& context) {
  auto page = manual_page_of(options.command);
  if (!page) return end_with(context, page.error());
  context.out.write(*page);
  return finish_output(context, exit_ok);
}

int run_documents(const documents_options& options, command_context& context) {
  fs::path share = options.folder;
  for (const auto& page : all_manual_pages()) {
    if (auto error = write_document(share / "man" / "man1" / (page.name + ".1"), page.text)) {
      return end_with(context, error);
    }
  }
  auto completions = share / "bash-completion" / "completions";
  auto written = write_document(completions / "elastictape", bash_completion_script());
  if (written) return end_with(context, written);
  for (const auto& name : program_names()) {
    if (name == "elastictape") continue;
    if (auto error = write_link(completions / name, "elastictape")) return end_with(context, error);
  }
  written =
      write_document(share / "zsh" / "site-functions" / "_elastictape", zsh_completion_script());
  return written ? end_with(context, written) : exit_ok;
}

}  // namespace et
