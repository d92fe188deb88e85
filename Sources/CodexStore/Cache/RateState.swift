internal import CodexCore

/// The state of a limiter in a process: its subjects and the time.
struct RateState {
    private var subjects: [String: RateSubject] = [:]
    /// The number of subjects at which those that no longer matter are removed.
    private var subjectCountMax = RateState.leastSubjectCountMax
    /// The length of recent commits in slots.
    private(set) var pace = 0.0
    private let rule: RateRule
    /// The entity of the stored windows.
    private let windows: EntityDefinition
    private var clock: RateClock
    /// The generation of the schema from which ``table`` was read.
    private var generation: UInt64?
    private var table: Int?

    private static let leastSubjectCountMax = 10_000

    init(_ rule: RateRule, _ windows: EntityDefinition, trustsWall: Bool) {
        self.rule = rule
        self.windows = windows
        clock = RateClock(rule, trustsWall: trustsWall)
    }

    /// The instant of a reading of the clocks, with the current schema.
    mutating func instant(_ reading: RateReading, _ catalog: Catalog) -> RateInstant {
        let (passed, latest) = clock.times(at: reading)
        if generation.map({ $0 < catalog.generation }) ?? true {
            generation = catalog.generation
            table = catalog.tableNumber(of: windows)
        }
        return RateInstant(
            time: latest, slot: rule.slot(latest), passed: passed,
            passedSlot: rule.slot(passed), elapsed: reading.elapsed,
            basis: RateBasis(era: clock.era, table: table))
    }

    /// Records the length of a commit.
    mutating func committed(from start: RateInstant, to end: RateInstant) {
        pace = max(rule.pace(from: start.elapsed, to: end.elapsed), pace / 2)
    }

    /// The names of the subjects.
    var names: [String] { Array(subjects.keys) }

    /// Calls `body` with a subject, which is created if it is new.
    mutating func withSubject<R>(
        _ name: String, at instant: RateInstant, _ body: (inout RateSubject) -> R
    ) -> R {
        if subjects.count >= subjectCountMax, subjects[name] == nil {
            subjects = subjects.filter { $0.value.matters(at: instant) }
            subjectCountMax = max(Self.leastSubjectCountMax, 2 * subjects.count)
        }
        return body(&subjects[name, default: RateSubject()])
    }
}

extension Catalog {
    /// The number of the table that has an entity's items; `nil` if there is none.
    fileprivate func tableNumber(of definition: EntityDefinition) -> Int? {
        guard let entity = try? binding(definition) else { return nil }
        return (try? table(entity.definition.table))?.number
    }
}
