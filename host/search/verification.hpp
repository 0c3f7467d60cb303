#pragma once

#include "host/search/problem.hpp"
#include "host/search/search.hpp"

namespace spacemoe {

/// Scores both exactly on draws of outages of their own, half a slot later, which neither the search nor
/// compare() uses: 8 of them, then twice as many, up to 64, until Student's interval of the mean difference
/// tells. What is better in truth or worse is mistaken with chance 1 % at most, over all looks. Better is
/// also to lose no more tokens, unless losses have a price: what seems to lose more needs all draws, and is
/// then refused where that is likely, too. Undecided is not better.
Verdict verify(SearchProblem const& problem, Objective const& objective, Placement const& start,
               Placement const& found);

/// The result of a search, or its start where the result is not verified to be better.
SearchResult verified(SearchProblem const& problem, Objective const& objective, Placement const& start,
                      SearchResult result);

}  // namespace spacemoe
