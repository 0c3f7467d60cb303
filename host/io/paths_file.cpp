#include "host/io/paths_file.hpp"

#include <cstdio>
#include <limits>
#include <ostream>
#include <sstream>
#include <string>

#include "host/io/hdf5_writer.hpp"
#include "host/io/output_file.hpp"

namespace spacemoe {
namespace {

constexpr double ns_per_ms = 1e6;
constexpr double missing = std::numeric_limits<double>::quiet_NaN();

std::vector<std::uint32_t> numbers(std::vector<SatelliteId> const& ids) {
  std::vector<std::uint32_t> values;
  for (SatelliteId const id : ids) values.push_back(static_cast<std::uint32_t>(id));
  return values;
}

void write_hdf5(std::filesystem::path const& file, PathMatrix const& matrix) {
  std::vector<double> latency_ms;
  std::vector<double> hops;
  for (std::size_t i = 0; i < matrix.latency_ns.size(); ++i) {
    bool const reached = matrix.latency_ns[i] != unreachable;
    latency_ms.push_back(reached ? matrix.latency_ns[i] / ns_per_ms
                                 : std::numeric_limits<double>::quiet_NaN());
    hops.push_back(reached ? matrix.hops[i] : missing);
  }
  hdf5::Writer writer;
  writer.axis({"from", "1", "source satellite"}, numbers(matrix.from));
  writer.axis({"to", "1", "target satellite"}, numbers(matrix.to));
  writer.dataset({"latency_ms", "ms", "path latency, NaN where there is no path"}, {"from", "to"},
                 latency_ms);
  writer.dataset({"hops", "1", "fewest hops of a shortest path, NaN where there is no path"}, {"from", "to"},
                 hops);
  write_output(file, writer.image());
}

}  // namespace

void write_paths_csv(std::ostream& out, PathMatrix const& matrix) {
  out << "from,to,latency_ms,hops\n";
  for (std::size_t i = 0; i < matrix.latency_ns.size(); ++i) {
    out << index(matrix.from[i / matrix.to.size()]) << ',' << index(matrix.to[i % matrix.to.size()]) << ',';
    if (matrix.latency_ns[i] == unreachable) {
      out << ",\n";
      continue;
    }
    char text[32];
    std::snprintf(text, sizeof text, "%.6f", matrix.latency_ns[i] / ns_per_ms);
    out << text << ',' << matrix.hops[i] << '\n';
  }
}

void write_paths(std::filesystem::path const& file, PathMatrix const& matrix) {
  if (file.extension() == ".h5") {
    write_hdf5(file, matrix);
    return;
  }
  std::ostringstream text;
  write_paths_csv(text, matrix);
  write_output(file, std::as_bytes(std::span(text.view())));
}

}  // namespace spacemoe
