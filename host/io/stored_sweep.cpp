#include "host/io/stored_sweep.hpp"

#include <algorithm>

#include "host/io/hdf5_reader.hpp"

namespace spacemoe {

std::optional<StoredSweep> stored_sweep(std::filesystem::path const& file) {
  try {
    hdf5::File const opened = hdf5::open(file);
    hdf5::Attribute const manifest(H5Aopen(opened, "provenance_manifest", H5P_DEFAULT));
    hdf5::Dataset const status(H5Dopen2(opened, "status", H5P_DEFAULT));
    auto const outcomes = hdf5::texts(hdf5::source(status));
    auto const count = [&](char const* outcome) {
      return static_cast<std::uint64_t>(std::ranges::count(outcomes, outcome));
    };
    return StoredSweep{hdf5::texts(hdf5::source(manifest)).at(0), count("done"), count("failed")};
  } catch (hdf5::Error const&) {
    return std::nullopt;
  }
}

}  // namespace spacemoe
