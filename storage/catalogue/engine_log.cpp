#include "storage/catalogue/engine_log.hpp"

#include <spdlog/spdlog.h>

#include <cstdarg>
#include <cstdio>
#include <string>

namespace et {

namespace {

class engine_log final : public rocksdb::Logger {
 public:
  engine_log() : Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}

  void LogHeader(const char*, va_list) override {}

  using Logger::Logv;
  void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (level < GetInfoLogLevel() || level >= rocksdb::InfoLogLevel::HEADER_LEVEL) return;
    char text[1024];
    auto size = std::vsnprintf(text, sizeof text, format, arguments);
    if (size <= 0) return;
    std::string line{text};
    for (auto& c : line)
      if (c == '\n' || c == '\r') c = ' ';
    // Every checkpoint says so twice.
    if (line.find("File Deletions") != std::string::npos) return;
    bool warning = level == rocksdb::InfoLogLevel::WARN_LEVEL;
    spdlog::log(warning ? spdlog::level::warn : spdlog::level::err, "catalogue: {}", line);
  }
};

}  // namespace

std::shared_ptr<rocksdb::Logger> make_engine_log() {
  return std::make_shared<engine_log>();
}

}  // namespace et
