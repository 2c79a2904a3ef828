#include "actors/monitor/dashboard/plot.hpp"

#include <algorithm>

#include "actors/monitor/dashboard/figures.hpp"
#include "actors/monitor/dashboard/widgets.hpp"

namespace et::monitor {

namespace {

constexpr uint64_t height = 1000;
/// An idle service does not draw noise as mountains.
constexpr uint64_t least_top = 1'000'000;

struct point {
  int64_t x = 0;
  int64_t y = 0;
};

/// `150 MB/s`, without the noughts that three digits would have.
std::string axis_text(uint64_t bytes_per_s) {
  auto text = rate_text(bytes_per_s);
  auto dot = text.find('.');
  if (dot == std::string::npos) return text;
  auto end = text.find_first_not_of("0123456789", dot + 1);
  auto kept = text.find_last_not_of('0', end - 1);
  if (kept > dot) ++kept;
  return text.erase(kept, end - kept);
}

uint64_t rate_of(const throughput_sample& sample, const curve& drawn, const plot_span& span) {
  return sample.*drawn.bytes / static_cast<uint64_t>(span.sample_s);
}

/// The corners of a curve: what lies on a level line between two others is left out.
std::vector<point> corners(const std::vector<throughput_sample>& samples, const curve& drawn,
                           const plot_span& span, uint64_t top) {
  std::vector<point> line;
  auto width = static_cast<int64_t>(span.samples);
  for (const auto& sample : samples) {
    auto back = (samples.back().time_s - sample.time_s) / span.sample_s;
    if (back >= width) continue;
    auto up = std::min(top, rate_of(sample, drawn, span)) * height / top;
    point next{width - back, static_cast<int64_t>(height - up)};
    auto n = line.size();
    if (n >= 2 && line[n - 1].y == next.y && line[n - 2].y == next.y)
      line.back() = next;
    else
      line.push_back(next);
  }
  return line;
}

/// `M x y l dx dy dx dy …`: the differences are short.
std::string path_along(const std::vector<point>& line) {
  std::string path = "M" + std::to_string(line.front().x) + " " + std::to_string(line.front().y);
  for (size_t i = 1; i < line.size(); ++i) {
    path += i == 1 ? "l" : " ";
    path += std::to_string(line[i].x - line[i - 1].x) + " ";
    path += std::to_string(line[i].y - line[i - 1].y);
  }
  return path;
}

void draw(std::string& out, const std::vector<throughput_sample>& samples, const curve& drawn,
          const plot_span& span, uint64_t top) {
  auto line = corners(samples, drawn, span, top);
  if (line.size() < 2) return;
  markup page{out};
  auto path = path_along(line);
  auto bottom = std::to_string(height);
  page.leaf("path", "",
            {{"class", "area " + std::string{drawn.kind}},
             {"d", path + "V" + bottom + "H" + std::to_string(line.front().x) + "Z"}});
  page.leaf(
      "path", "",
      {{"class", "curve " + std::string{drawn.kind}}, {"data-title", drawn.title}, {"d", path}});
  page.break_line();
}

void legend(std::string& out, const std::vector<throughput_sample>& samples,
            const std::vector<curve>& curves, const plot_span& span) {
  markup page{out};
  page.open("ul", {{"class", "legend"}});
  for (const auto& drawn : curves) {
    page.open("li").leaf("i", "", {{"class", "swatch " + std::string{drawn.kind}}});
    page.text(drawn.title).text(" ").open("b");
    figure(out, "page." + std::string{drawn.kind} + "_rate",
           present_rate(samples, drawn.bytes, span), unit::rate);
    page.close("b").close("li");
  }
  page.close("ul");
}

}  // namespace

axis axis_for(uint64_t most) {
  most = std::max(most, least_top);
  uint64_t decade = 1;
  while (decade <= UINT64_MAX / 10 && decade * 10 <= most) decade *= 10;
  struct round_top {
    uint64_t times;
    uint64_t steps;
  };
  for (auto [times, steps] :
       {round_top{1, 4}, round_top{2, 4}, round_top{4, 4}, round_top{6, 3}, round_top{8, 4}})
    if (decade <= UINT64_MAX / times && decade * times >= most) return {decade * times, steps};
  return {decade <= UINT64_MAX / 10 ? decade * 10 : UINT64_MAX, 4};
}

uint64_t present_rate(const std::vector<throughput_sample>& samples,
                      uint64_t throughput_sample::*bytes, const plot_span& span) {
  auto n = std::min(samples.size(), span.recent);
  if (n == 0) return 0;
  uint64_t sum = 0;
  for (auto i = samples.size() - n; i < samples.size(); ++i) sum += samples[i].*bytes;
  return sum / n / static_cast<uint64_t>(span.sample_s);
}

void throughput_plot(std::string& out, std::string_view id, std::string_view title,
                     const std::vector<throughput_sample>& samples,
                     const std::vector<curve>& curves, const plot_span& span) {
  uint64_t most = 0;
  auto words = std::string{title} + ":";
  for (const auto& drawn : curves) {
    uint64_t peak = 0;
    for (const auto& sample : samples) peak = std::max(peak, rate_of(sample, drawn, span));
    most = std::max(most, peak);
    words += " " + std::string{drawn.title} + " at most " + rate_text(peak) + ".";
  }
  auto scale = axis_for(most);
  markup page{out};
  page.open("figure", {{"class", "plot"}, {"id", id}});
  page.open("figcaption").leaf("h3", title);
  legend(out, samples, curves, span);
  page.close("figcaption").open("div", {{"class", "canvas"}});
  page.open("div", {{"class", "upright"}});
  for (auto step = scale.steps + 1; step-- > 0;)
    page.leaf("span", step == 0 ? "0" : axis_text(scale.top / scale.steps * step));
  page.close("div");
  auto width = std::to_string(span.samples);
  page.open("svg", {{"class", "curves"},
                    {"viewBox", "0 0 " + width + " " + std::to_string(height)},
                    {"preserveAspectRatio", "none"},
                    {"data-top", std::to_string(scale.top)},
                    {"data-sample-s", std::to_string(span.sample_s)},
                    {"role", "img"},
                    {"aria-label", words}});
  for (uint64_t step = 0; step <= scale.steps; ++step) {
    auto y = std::to_string(height * step / scale.steps);
    page.leaf("line", "", {{"class", "grid"}, {"x1", "0"}, {"x2", width}, {"y1", y}, {"y2", y}});
  }
  page.break_line();
  for (const auto& drawn : curves) draw(out, samples, drawn, span, scale.top);
  // The script moves these under the pointer.
  page.leaf("line", "",
            {{"class", "cursor"},
             {"data-keep", "keep"},
             {"x1", "-1"},
             {"x2", "-1"},
             {"y1", "0"},
             {"y2", std::to_string(height)}});
  page.close("svg").open("div", {{"class", "level"}});
  page.leaf("span", span.begin).leaf("span", span.middle).leaf("span", "now");
  page.close("div").leaf("p", "", {{"class", "readout"}, {"data-keep", "keep"}});
  page.close("div").close("figure").break_line();
}

}  // namespace et::monitor
