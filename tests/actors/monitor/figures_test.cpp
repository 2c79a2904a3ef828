// Numbers as the dashboard shows them.
#include "actors/monitor/dashboard/figures.hpp"

#include <catch2/catch.hpp>
#include <regex>

#include "actors/monitor/dashboard/dashboard_files.hpp"
#include "actors/monitor/dashboard/plot.hpp"

using namespace et::monitor;

namespace {

/// With plain spaces.
std::string plain(const std::string& text) {
  return std::regex_replace(text, std::regex{"\xc2\xa0"}, " ");
}

}  // namespace

TEST_CASE("bytes have three digits") {
  CHECK(plain(bytes_text(0)) == "0 B");
  CHECK(plain(bytes_text(999)) == "999 B");
  CHECK(plain(bytes_text(1000)) == "1.00 kB");
  CHECK(plain(bytes_text(12'345)) == "12.3 kB");
  CHECK(plain(bytes_text(999'499)) == "999 kB");
  CHECK(plain(bytes_text(999'500)) == "1.00 MB");
  CHECK(plain(bytes_text(9'996'000)) == "10.0 MB");
  CHECK(plain(bytes_text(99'960'000)) == "100 MB");
  CHECK(plain(bytes_text(12'000'000'000'000)) == "12.0 TB");
  CHECK(plain(bytes_text(UINT64_MAX)) == "18.4 EB");
  CHECK(plain(rate_text(112'000'000)) == "112 MB/s");
}

TEST_CASE("counts, durations and shares") {
  CHECK(count_text(0) == "0");
  CHECK(count_text(999) == "999");
  CHECK(count_text(1000) == "1,000");
  CHECK(count_text(UINT64_MAX) == "18,446,744,073,709,551,615");
  CHECK(plain(counted(1, "volume")) == "1 volume");
  CHECK(plain(counted(2000, "volume")) == "2,000 volumes");
  CHECK(plain(duration_text(-5)) == "0 s");
  CHECK(plain(duration_text(59'999)) == "59 s");
  CHECK(plain(duration_text(60'000)) == "1 min");
  CHECK(plain(duration_text(185'000)) == "3 min 5 s");
  CHECK(plain(duration_text(7'800'000)) == "2 h 10 min");
  CHECK(plain(duration_text(7'201'000)) == "2 h");
  CHECK(plain(duration_text(273'600'000)) == "3 d 4 h");
  CHECK(percent_of(0, 0) == 0);
  CHECK(percent_of(999, 1000) == 99);
  CHECK(percent_of(3, 3) == 100);
  CHECK(percent_of(UINT64_MAX / 2, UINT64_MAX) == 50);
}

TEST_CASE("an axis ends above what it shows, in steps people can divide by") {
  for (uint64_t most : {0ull, 1ull, 1'000'000ull, 1'000'001ull, 3'999'999ull, 4'000'001ull,
                        7'500'000ull, 9'000'000ull, 123'456'789ull, 999'999'999ull}) {
    auto scale = axis_for(most);
    CAPTURE(most, scale.top, scale.steps);
    CHECK(scale.top >= most);
    CHECK(scale.top >= 1'000'000);
    CHECK((most < 1'000'000 || scale.top <= 2 * most));
    CHECK(scale.top % scale.steps == 0);
  }
  CHECK(axis_for(UINT64_MAX).top == UINT64_MAX);
}

TEST_CASE("a plot has as many corners as its curve, however long it is level") {
  std::vector<throughput_sample> samples;
  for (int64_t i = 0; i < 600; ++i) {
    throughput_sample one;
    one.time_s = 5000 + i;
    one.put_bytes = i == 300 ? 4'000'000 : 0;
    samples.push_back(one);
  }
  plot_span span;
  std::string out;
  throughput_plot(out, "plot", "To tape", samples, {{"put", "put", &throughput_sample::put_bytes}},
                  span);
  // Level, up, down, level; in a frame of 600 by 1000.
  CHECK(out.find("\"M1 1000l299 0 1 -1000 1 1000 298 0\"") != std::string::npos);
  CHECK(out.find("put at most 4.00\xc2\xa0MB/s") != std::string::npos);
  CHECK(present_rate(samples, &throughput_sample::put_bytes, span) == 0);
  samples.resize(303);
  CHECK(present_rate(samples, &throughput_sample::put_bytes, span) == 800'000);
  // What is older than the plot is left out; nothing is drawn of a single sample.
  span.samples = 100;
  out.clear();
  samples.resize(1);
  throughput_plot(out, "plot", "To tape", samples, {{"put", "put", &throughput_sample::put_bytes}},
                  span);
  CHECK(out.find("<path") == std::string::npos);
}

TEST_CASE("a search is part of a path, or a glob") {
  CHECK(pattern_for("") == "");
  CHECK(pattern_for("year 2020") == "*year 2020*");
  CHECK(pattern_for("back\\slash") == "*back\\\\slash*");
  CHECK(pattern_for("*.nc") == "*.nc");
  CHECK(pattern_for("/data/[ab]") == "/data/[ab]");
}
