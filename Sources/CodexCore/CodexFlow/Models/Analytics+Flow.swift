extension CodexFlow.Analytics {
    /// The changes to tasks and points on a day, as sums that can be added in any order.
    ///
    /// `Docs/Analytics.md` has the rule of each figure. The scope is the points of all tasks except
    /// canceled, archived and removed ones. Tasks without an estimate have no points.
    public struct Flow: Sendable, Hashable {
        /// Tasks created.
        public var created = 0
        /// Tasks canceled.
        public var canceled = 0
        /// Tasks reopened.
        public var reopened = 0
        /// Tasks completed without an estimate.
        public var unestimated = 0
        /// Points that entered the scope, less those that left it.
        public var scope = 0
        /// Points of open tasks that entered, less those that left: the change of the burndown.
        public var remaining = 0
        /// Points of the tasks whose present completion is of this day.
        public var points = 0
        /// Points of tasks that were done when their history began on this day.
        ///
        /// They are not the day's work, and not in ``points``.
        public var importedPoints = 0
        /// The hours that ``points`` represent.
        public var estimatedHours = 0
        /// The part of ``estimatedHours`` of tasks with an estimate above zero and logged work.
        public var measuredHours = 0
        /// All hours that were logged on the tasks of ``measuredHours``, on any day.
        public var loggedHours: Number = 0
        /// Tasks that entered a status, less those that left it.
        public var statuses: [CodexFlow.Task.Status: Int] = [:]
        /// The times that completed tasks were in progress or in review, in seconds.
        public var cycleTimes = CodexFlow.Histogram()
        /// The times from the creation of completed tasks to their completion, in seconds.
        public var leadTimes = CodexFlow.Histogram()

        /// Creates a day without events.
        public init() {}

        /// Whether all sums are zero.
        public var isEmpty: Bool { self == Flow() }

        /// All figures, for checks of their bounds.
        var figures: [Int] {
            var figures = Self.counts.map { self[keyPath: $0.1] }
            figures += statuses.values
            figures += cycleTimes.counts
            figures += leadTimes.counts
            let hours = loggedHours.isOfHours ? Int(exactly: loggedHours.double.rounded()) : nil
            figures.append(hours ?? .max)
            return figures
        }

        /// Adds another day's sums.
        ///
        /// - Throws: ``CodexError/Code/invalidNumber`` if the sum of the hours is not a valid
        ///   number.
        package mutating func add(_ other: Flow) throws(CodexError) {
            loggedHours = try loggedHours.adding(other.loggedHours)
            for (_, path) in Self.counts { self[keyPath: path] += other[keyPath: path] }
            for (status, count) in other.statuses { self.count(status, count) }
            cycleTimes.add(other.cycleTimes)
            leadTimes.add(other.leadTimes)
        }

        /// Adds tasks to a status; a sum of zero is left out.
        package mutating func count(_ status: CodexFlow.Task.Status, _ count: Int) {
            let sum = (statuses[status] ?? 0) + count
            statuses[status] = sum == 0 ? nil : sum
        }

        /// Replaces figures below zero by zero, except for differences of states.
        ///
        /// Sums of the history have none. Days that were changed by hand may lead to some.
        ///
        /// - Parameter exceptHours: Whether hours of completed tasks may be below zero.
        package mutating func requireCounts(exceptHours: Bool = false) {
            let kept = ["scope", "remaining"] + (exceptHours ? ["measuredHours"] : [])
            for (name, path) in Self.counts where !kept.contains(name) {
                self[keyPath: path] = max(0, self[keyPath: path])
            }
            if loggedHours.isNegative, !exceptHours { loggedHours = 0 }
            cycleTimes.requireCounts()
            leadTimes.requireCounts()
        }
    }
}

extension CodexFlow.Analytics.Flow: AttributeConvertible {
    /// The number of the rules by which the figures are computed, as it is stored.
    ///
    /// Figures of the first rules have no number. Completed and imported points were one figure
    /// there, and there were no remaining points.
    private static let rules = 2

    /// A map value, without the figures that are zero.
    public var attributeValue: AttributeValue {
        var map: AttributeMap = ["rules": Self.rules.attributeValue]
        for (name, path) in Self.counts where self[keyPath: path] != 0 {
            map[name] = self[keyPath: path].attributeValue
        }
        if loggedHours != 0 { map["loggedHours"] = .number(loggedHours) }
        if !statuses.isEmpty {
            map["statuses"] = .map(
                AttributeMap(statuses.map { ($0.key.rawValue, $0.value.attributeValue) }))
        }
        if !cycleTimes.isEmpty { map["cycleTimes"] = cycleTimes.attributeValue }
        if !leadTimes.isEmpty { map["leadTimes"] = leadTimes.attributeValue }
        return .map(map)
    }

    fileprivate static var counts: [(String, WritableKeyPath<Self, Int>)] {
        [
            ("created", \.created), ("canceled", \.canceled), ("reopened", \.reopened),
            ("unestimated", \.unestimated), ("scope", \.scope), ("remaining", \.remaining),
            ("points", \.points), ("importedPoints", \.importedPoints),
            ("estimatedHours", \.estimatedHours), ("measuredHours", \.measuredHours),
        ]
    }

    /// Reads a map value.
    public init?(attributeValue: AttributeValue) {
        guard let map = attributeValue.map else { return nil }
        self.init()
        for (name, path) in Self.counts {
            self[keyPath: path] = map[name]?.number?.int64.map { Int($0) } ?? 0
        }
        loggedHours = map["loggedHours"]?.number ?? 0
        for element in map["statuses"]?.map ?? AttributeMap() {
            guard let status = CodexFlow.Task.Status(rawValue: element.name),
                let count = element.value.number?.int64
            else { return nil }
            statuses[status] = Int(count)
        }
        guard let cycle = CodexFlow.Histogram(attributeValue: map["cycleTimes"] ?? .map([:])),
            let lead = CodexFlow.Histogram(attributeValue: map["leadTimes"] ?? .map([:]))
        else { return nil }
        (cycleTimes, leadTimes) = (cycle, lead)
        if map["rules"] == nil { convertFirstRules() }
    }

    /// Computes the figures that days of the first rules do not have.
    private mutating func convertFirstRules() {
        // Stored figures may have any size. Sums that overflow break the rule on figures.
        func difference(_ left: Int, _ right: Int) -> Int {
            let (difference, overflows) = left.subtractingReportingOverflow(right)
            return overflows ? .max : difference
        }
        remaining = difference(scope, points)
        points = difference(points, importedPoints)
    }
}

extension CodexFlow {
    /// Counts of values by size, exact to one part in 32; histograms can be added.
    public struct Histogram: Sendable, Hashable, AttributeConvertible {
        /// The number of values in each bucket.
        private var buckets: [Int: Int] = [:]

        /// Creates an empty histogram.
        public init() {}

        /// Whether it has no values.
        public var isEmpty: Bool { buckets.isEmpty }

        /// The buckets' counts.
        var counts: [Int] { Array(buckets.values) }

        /// The number of values; the largest integer if there are more.
        public var count: Int { buckets.values.reduce(0, Self.sum) }

        /// Adds a value; a negative value counts as zero.
        package mutating func record(_ value: Int) { add(1, to: Self.bucket(value)) }

        /// Takes back a value that was added to this histogram, or to one that this is added to.
        package mutating func remove(_ value: Int) { add(-1, to: Self.bucket(value)) }

        /// Removes counts below zero.
        package mutating func requireCounts() { buckets = buckets.filter { $0.value > 0 } }

        /// Adds another histogram's values.
        package mutating func add(_ other: Histogram) {
            for (bucket, count) in other.buckets { add(count, to: bucket) }
        }

        private mutating func add(_ count: Int, to bucket: Int) {
            let sum = Self.sum(buckets[bucket] ?? 0, count)
            buckets[bucket] = sum == 0 ? nil : sum
        }

        /// The sum of two counts, limited to the integers, because stored counts may have any size.
        private static func sum(_ left: Int, _ right: Int) -> Int {
            let (sum, overflows) = left.addingReportingOverflow(right)
            return overflows ? (right < 0 ? .min : .max) : sum
        }

        /// The value that the share `fraction` of all values does not exceed; `nil` without values.
        ///
        /// - Parameter fraction: From 0 to 1; a smaller number counts as 0, a larger one as 1.
        /// - Returns: The middle of the bucket that contains the value.
        public func quantile(_ fraction: Double) -> Int? {
            guard !buckets.isEmpty else { return nil }
            let share = (Double(count) * fraction).rounded(.up)
            let wanted = share > 1 ? min(Int(exactly: share) ?? .max, count) : 1
            var seen = 0
            for (bucket, count) in buckets.sorted(by: { $0.key < $1.key }) {
                seen = Self.sum(seen, count)
                if seen >= wanted { return Self.middle(bucket) }
            }
            return nil
        }

        /// Each value below 64 has its own bucket; above, each power of two has 32 buckets.
        private static func bucket(_ value: Int) -> Int {
            let value = max(0, value)
            guard value >= 64 else { return value }
            let exponent = Int.bitWidth - 1 - value.leadingZeroBitCount
            return 64 + (exponent - 6) * 32 + (value >> (exponent - 5) & 31)
        }

        private static func middle(_ bucket: Int) -> Int {
            guard bucket >= 64 else { return bucket }
            let (exponent, part) = ((bucket - 64) / 32 + 6, (bucket - 64) % 32)
            let width = 1 << (exponent - 5)
            return (32 + part) * width + width / 2
        }

        /// A map of counts by bucket.
        public var attributeValue: AttributeValue {
            .map(AttributeMap(buckets.map { (String($0.key), $0.value.attributeValue) }))
        }

        /// Reads a map of counts by bucket.
        public init?(attributeValue: AttributeValue) {
            guard let map = attributeValue.map else { return nil }
            for element in map {
                // Larger bucket numbers correspond to no integer.
                guard let bucket = Int(element.name), (0..<1888).contains(bucket),
                    let count = element.value.number?.int64, count > 0
                else { return nil }
                buckets[bucket] = Int(count)
            }
        }
    }
}
