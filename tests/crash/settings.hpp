// What all crash tests share: how long they run, and the service that they crash.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

namespace et::crash {

/// A number from the environment.
inline uint64_t setting(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// A file system without a disk, since nothing here depends on one: power losses are simulated.
inline const char* shared_memory() {
  const char* given = std::getenv("ET_TEST_FOLDER");
  return given ? given : "/dev/shm";
}

/// Configuration of a service that does much in little time: small aggregations, cached for a
/// moment, written at once; two copies of every other seed.
inline std::string small_service(uint64_t seed) {
  return "[service]\nhttp = \"off\"\n"
         "[cache]\nretention_s = 1\ncapacity_bytes = \"200MiB\"\n"
         "[packing]\ntarget_bytes = \"1MiB\"\n"
         "[tape]\nwrite_after_ms = 50\ndrive_idle_s = 1\n"
         "[library]\ncartridges = 6\ncapacity_bytes = \"100MiB\"\n"
         "[catalogue]\ncopies = " +
         std::to_string(1 + seed % 2) + "\n";
}

}  // namespace et::crash
