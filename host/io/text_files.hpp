#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/errors.hpp"
#include "host/io/table_reader.hpp"

namespace spacemoe {

/// Opens a file for reading. Where it cannot be read, one complaint at `where` (the key that names it) says
/// why.
std::optional<std::ifstream> open_file(std::filesystem::path const& file, std::string const& where,
                                       std::vector<Complaint>& complaints);

/// The whole of a file. Where it cannot be read, one complaint at `where` (the key that names it) says why.
std::optional<std::string> read_text(std::filesystem::path const& file, std::string const& where,
                                     std::vector<Complaint>& complaints);

/// A column that a CSV file must have.
struct CsvColumn {
  std::string_view name;
  Range range;
  bool integer = false;
};

/// Numbers of a CSV file, [row][column]; row r stands in line r + 1, or r + 2 below a header.
struct CsvTable {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<double> value;

  double at(std::size_t row, std::size_t column) const { return value[row * columns + column]; }
};

// A byte order mark and blank lines at the end of a CSV file are skipped; lines end in LF or CR LF.

/// Reads a CSV file whose header names exactly `columns`, in order. Complaints name line and column.
std::optional<CsvTable> read_csv(std::filesystem::path const& file, std::string const& where,
                                 std::span<CsvColumn const> columns, std::vector<Complaint>& complaints);

/// Reads a CSV file without a header; every row has as many numbers as the first, all within `range`.
std::optional<CsvTable> read_csv(std::filesystem::path const& file, std::string const& where, Range range,
                                 std::vector<Complaint>& complaints);

/// Reads expert weights from JSON: [[...], ...] or {"total_input_tokens": n, "expert_popularity": [[...]]}.
std::optional<NumberArray> read_json_weights(std::filesystem::path const& file, std::string const& where,
                                             Range range, std::vector<Complaint>& complaints);

}  // namespace spacemoe
