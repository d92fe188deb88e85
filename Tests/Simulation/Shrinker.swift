/// Makes a program smaller, as long as it shows the same finding.
package struct Shrinker {
    private let finding: Finding
    private let show: (Program) -> [Finding]
    /// How many programs may still run.
    private var attemptCount: Int

    private init(
        _ finding: Finding, _ attemptCount: Int, _ show: @escaping (Program) -> [Finding]
    ) {
        (self.finding, self.attemptCount, self.show) = (finding, attemptCount, show)
    }

    /// Removes commands, then faults, by delta debugging (Zeller and Hildebrandt's ddmin).
    ///
    /// - Parameters:
    ///   - program: The program.
    ///   - finding: What it shows.
    ///   - attemptCountMax: How many programs run at most.
    ///   - show: Runs a program, and gives what it shows.
    /// - Returns: A program that shows a finding of the same kind; `nil` if the program itself does
    ///   not show it again.
    package static func smallest(
        _ program: Program, showing finding: Finding, attemptCountMax: Int = 400,
        _ show: @escaping (Program) -> [Finding]
    ) -> Program? {
        var shrinker = Shrinker(finding, attemptCountMax, show)
        guard shrinker.shows(program) else { return nil }
        var smallest = program
        while true {
            let before = smallest
            smallest.commands = shrinker.smallest(smallest.commands) { commands in
                var program = smallest
                program.commands = commands
                return program
            }
            smallest.faults = shrinker.smallest(smallest.faults) { faults in
                var program = smallest
                program.faults = faults
                return program
            }
            // Without a fault, more commands may be needless.
            if smallest == before || shrinker.attemptCount == 0 { return smallest }
        }
    }

    private mutating func shows(_ program: Program) -> Bool {
        guard attemptCount > 0 else { return false }
        attemptCount -= 1
        return show(program).contains { $0.isLike(finding) }
    }

    /// The fewest elements that show the finding, of which none alone can be left out.
    private mutating func smallest<Element>(
        _ elements: [Element], _ program: ([Element]) -> Program
    ) -> [Element] {
        var elements = elements
        if !elements.isEmpty, shows(program([])) { return [] }
        var partCount = 2
        while elements.count >= 2 {
            let length = (elements.count + partCount - 1) / partCount
            var isSmaller = false
            for start in stride(from: 0, to: elements.count, by: length) {
                let end = min(start + length, elements.count)
                let rest = Array(elements[..<start] + elements[end...])
                if shows(program(rest)) {
                    elements = rest
                    partCount = max(2, partCount - 1)
                    isSmaller = true
                    break
                }
            }
            if isSmaller { continue }
            if length == 1 { break }
            partCount = min(elements.count, partCount * 2)
        }
        return elements
    }
}
