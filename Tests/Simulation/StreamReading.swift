/// The reading of a change stream in parts, each of which may end within a commit.
struct StreamReading {
    /// A place in a stream.
    struct Place: Hashable, Comparable {
        /// The number of the commit of the last change before.
        var commit = 0
        /// The place of that change in its commit; `nil` is the last one.
        var ordinal: Int?

        /// The last commit of which all changes come before.
        var wholeCommit: Int { ordinal == nil ? commit : commit - 1 }

        static func < (left: Self, right: Self) -> Bool {
            (left.commit, left.ordinal ?? .max) < (right.commit, right.ordinal ?? .max)
        }
    }

    /// The furthest place that was read to.
    private(set) var end = Place()
    /// The first changes of commits, by the place after them.
    private var begun: [Place: LoggedCommit] = [:]

    /// Adds a part.
    ///
    /// - Parameters:
    ///   - start: Where it begins: an end of an earlier part, or a whole commit.
    ///   - last: Where it ends.
    ///   - commits: What was read.
    /// - Returns: The commits that are whole now.
    mutating func add(
        after start: Place, to last: Place, _ commits: [LoggedCommit]
    ) -> History.StreamPart {
        var commits = commits
        if let first = begun[start] {
            if commits.first?.sequence == first.sequence {
                commits[0].changes = first.changes + commits[0].changes
            } else {
                commits.insert(first, at: 0)
            }
        }
        if last.ordinal != nil { begun[last] = commits.popLast() }
        end = max(end, last)
        return History.StreamPart(
            after: start.wholeCommit, last: last.wholeCommit, commits: commits)
    }
}

extension Request {
    /// Where the reading of changes begins.
    var start: StreamReading.Place {
        get { StreamReading.Place(commit: after ?? 0, ordinal: ordinal) }
        set { (after, ordinal) = (newValue.commit, newValue.ordinal) }
    }
}

extension Answer.Results {
    /// Where the reading of changes ended.
    var streamEnd: StreamReading.Place? {
        last.map { StreamReading.Place(commit: $0, ordinal: lastOrdinal) }
    }
}
