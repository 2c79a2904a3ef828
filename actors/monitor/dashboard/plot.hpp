// Throughput as a picture: areas and lines over time, drawn by the server.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "actors/monitor/live.hpp"

namespace et::monitor {

/// One curve of a plot.
struct curve {
  std::string_view kind;   ///< class of the style sheet
  std::string_view title;  ///< in the legend
  uint64_t throughput_sample::*bytes = nullptr;
};

/// The time that a plot shows: what is older than `samples * sample_s` is left out, what is not
/// there yet stays empty.
struct plot_span {
  size_t samples = 600;
  int64_t sample_s = 1;
  size_t recent = 5;  ///< samples whose mean is the present rate in the legend
  std::string_view begin = "10 min ago";
  std::string_view middle = "5 min";
};

/// The top of an axis for values up to `most`, and in how many equal steps it is divided; numbers
/// that people can divide by.
struct axis {
  uint64_t top = 1;
  uint64_t steps = 1;
};
axis axis_for(uint64_t most);

/// Mean bytes a second of the last `recent` samples.
uint64_t present_rate(const std::vector<throughput_sample>& samples,
                      uint64_t throughput_sample::*bytes, const plot_span& span);

/// A plot with heading, legend with present rates, axes and curves. `id` names it for the script.
void throughput_plot(std::string& out, std::string_view id, std::string_view title,
                     const std::vector<throughput_sample>& samples,
                     const std::vector<curve>& curves, const plot_span& span);

}  // namespace et::monitor
