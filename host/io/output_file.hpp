#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace spacemoe {

/// Replaces `file` as a whole: written beside it, flushed to the disk, renamed, so that it is complete or
/// untouched whatever happens. Throws OutputError naming the file and the reason.
void write_output(std::filesystem::path const& file, std::span<std::byte const> content);

/// Takes away what processes that were killed while they wrote `file` left beside it. Only where nobody else
/// writes it now.
void remove_leftovers(std::filesystem::path const& file);

}  // namespace spacemoe
