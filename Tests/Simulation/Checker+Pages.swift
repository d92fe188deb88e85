// Rule 5 for reads of a group in pages, each of which has a snapshot of its own.

extension Checker {
    /// Checks that each page has what follows the page before, in a state that it may have seen,
    /// and that no page is of an earlier state than the one before.
    mutating func checkPages() {
        for read in history.pagings {
            let places = window(read.invoked, read.completed)
            var placeMin = places.lowerBound
            var last: ItemImage?
            let pages = read.results.pages ?? []
            for (number, page) in pages.enumerated() {
                let place = place(of: page.sequence)
                let name = "page \(number), commit \(page.sequence), step \(read.invoked)"
                if place < placeMin || place > places.upperBound {
                    add(.snapshot, "a page is too old or too new", name)
                }
                placeMin = max(placeMin, place)
                check(
                    page, of: read, after: last, isLast: number == pages.count - 1,
                    states[place], name)
                last = page.items.last ?? last
            }
            if pages.isEmpty {
                add(.snapshot, "a group has no page", "step \(read.invoked)")
            }
        }
    }

    private mutating func check(
        _ page: ItemPage, of read: History.Read, after last: ItemImage?, isLast: Bool,
        _ model: Model, _ name: String
    ) {
        let limit = max(1, read.request.limit ?? 1)
        let rest = model.entriesByGroup(at: read.now, of: read.request.groups?.first).filter {
            Self.follows($0, last)
        }
        if page.items != Array(rest.prefix(limit)) {
            add(.snapshot, "a page has other items", name)
        } else if isLast, rest.count > limit {
            add(.snapshot, "pages end too early", name)
        } else if !isLast, rest.count < limit {
            // The end was reached already.
            add(.snapshot, "a page follows one that is not full", name)
        }
    }

    /// Whether an entry of a group comes after another one in the index.
    private static func follows(_ entry: ItemImage, _ last: ItemImage?) -> Bool {
        guard let last else { return true }
        return (entry.v ?? 0, entry.key) > (last.v ?? 0, last.key)
    }
}
