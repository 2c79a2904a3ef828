#include "cli/service_log.hpp"

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "actors/error_alerts.hpp"
#include "storage/error.hpp"

namespace et {

namespace {

constexpr size_t log_file_bytes = 16 << 20;
constexpr size_t log_files = 5;

}  // namespace

caf::error open_log(const service_config& config, const std::filesystem::path& state) {
  std::filesystem::path file = config.service.log_file;
  if (file.empty()) file = state / "log" / "elastictape.log";
  try {
    std::filesystem::create_directories(file.parent_path());
    auto to_stderr = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
    auto to_file = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
        file.string(), log_file_bytes, log_files);
    auto to_alerts = std::make_shared<error_alerts>();
    auto logger = std::make_shared<spdlog::logger>(
        "elastictape", spdlog::sinks_init_list{to_stderr, to_file, to_alerts});
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    logger->set_level(spdlog::level::from_str(config.service.log_level));
    logger->flush_on(spdlog::level::info);
    spdlog::set_default_logger(std::move(logger));
  } catch (const std::exception& e) {
    return fail(errc::io_error, "cannot log to " + file.string() + ": " + e.what());
  }
  return caf::none;
}

}  // namespace et
