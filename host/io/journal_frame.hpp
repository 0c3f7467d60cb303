#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "host/io/posix_file.hpp"

namespace spacemoe {

enum class FrameKind { manifest, point };

/// A frame of a journal: 8 bytes that say its kind, the length of the payload (64 bits, little-endian), the
/// payload, the SHA-256 of the payload.
std::string frame_of(FrameKind kind, std::string_view payload);

/// The payload of the frame of that kind at `offset` of a file of `size` bytes; nothing where it is cut off,
/// damaged or of another kind. Throws ScenarioError where the file cannot be read.
std::optional<std::string> read_frame(PosixFile const& file, FrameKind kind, std::uint64_t offset,
                                      std::uint64_t size);

/// Length of the frame that holds a payload.
std::uint64_t frame_size(std::string_view payload);

}  // namespace spacemoe
