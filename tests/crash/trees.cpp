#include "tests/crash/trees.hpp"

#include <cstring>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>

namespace et::crash {

namespace {

std::string noise(std::mt19937_64& random, size_t bytes) {
  std::string text(bytes, '\0');
  for (size_t i = 0; i < bytes; i += 8) {
    auto word = random();
    std::memcpy(text.data() + i, &word, std::min<size_t>(8, bytes - i));
  }
  return text;
}

void write(const fs::path& file, const std::string& text) {
  std::ofstream out{file, std::ios::binary | std::ios::trunc};
  out << text;
  if (!out.flush()) throw std::runtime_error("cannot write " + file.string());
}

}  // namespace

std::string whole_file(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) throw std::runtime_error("cannot read " + file.string());
  return text.str();
}

trees::trees(fs::path folder) : folder_(std::move(folder)) {
  fs::create_directories(folder_ / "trees");
  fs::create_directories(folder_ / "hidden");
}

fs::path trees::path(size_t number) const {
  return folder_ / "trees" / std::to_string(number);
}

fs::path trees::standing(size_t number) const {
  auto hidden = folder_ / "hidden" / std::to_string(number);
  return fs::exists(hidden) ? hidden : path(number);
}

fs::path trees::make(size_t number) {
  auto top = path(number);
  if (fs::exists(top)) return top;
  std::mt19937_64 random{number};
  auto files = 1 + random() % 12;
  for (uint64_t i = 0; i < files; ++i) {
    auto folder = i % 3 == 2 ? top / ("sub folder " + std::to_string(i)) : top;
    fs::create_directories(folder);
    auto bytes = i == 1 ? 0 : random() % (i % 4 == 3 ? 300'000 : 9'000);
    if (i == 0 && number % 8 == 3) bytes = 2'000'000 + random() % 4'000'000;
    write(folder / ("file " + std::to_string(i)), noise(random, bytes));
  }
  return top;
}

uint64_t trees::bytes(size_t number) const {
  uint64_t sum = 0;
  for (const auto& one : fs::recursive_directory_iterator(standing(number)))
    if (one.is_regular_file()) sum += one.file_size();
  return sum;
}

size_t trees::tree_of(const std::string& file) const {
  auto top = (folder_ / "trees").string() + "/";
  if (!file.starts_with(top)) throw std::runtime_error("a file of no tree: " + file);
  return std::stoul(file.substr(top.size()));
}

void trees::hide(size_t number) {
  if (fs::exists(path(number)))
    fs::rename(path(number), folder_ / "hidden" / std::to_string(number));
}

void trees::show_all() {
  for (const auto& one : fs::directory_iterator(folder_ / "hidden"))
    fs::rename(one.path(), folder_ / "trees" / one.path().filename());
}

std::string trees::difference(size_t number, const fs::path& back) const {
  auto source = standing(number);
  fs::path copy = back.string() + path(number).string();
  for (const auto& one : fs::recursive_directory_iterator(source)) {
    if (!one.is_regular_file()) continue;
    auto other = copy / one.path().lexically_relative(source);
    if (!fs::exists(other)) return other.string() + " is missing";
    if (whole_file(one.path()) != whole_file(other)) return other.string() + " has other bytes";
  }
  return {};
}

}  // namespace et::crash
