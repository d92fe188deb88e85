internal import CodexCore
internal import CodexWorkspace

extension FuzzTarget {
    /// Random forests: any JSON is refused, or a forest that gives a number for each row.
    static let forests = FuzzTarget(
        "forests",
        words: [
            "\"format\":1", "\"features\":", "\"trees\":", "\"feature\":", "\"threshold\":",
            "\"left\":", "\"right\":", "\"value\":", "-1", "[", "]", "0.5",
        ],
        seeds: ForestFuzzing.seeds, check: ForestFuzzing.check)
}

private enum ForestFuzzing {
    static func seeds() -> [[UInt8]] {
        let tree =
            #"{"feature":[0,-1,-1],"threshold":[0.5,0,0],"left":[1,-1,-1],"#
            + #""right":[2,-1,-1],"value":[0.4,0.1,0.9]}"#
        let leaf =
            #"{"feature":[-1],"threshold":[0],"left":[-1],"right":[-1],"value":[0.25]}"#
        let deep =
            #"{"feature":[0,1,-1,-1,-1],"threshold":[1,2,0,0,0],"left":[1,2,-1,-1,-1],"#
            + #""right":[4,3,-1,-1,-1],"value":[0,0,1,2,3]}"#
        let forests = [
            #"{"format":1,"features":["overdue","blocked"],"trees":[\#(tree),\#(leaf)]}"#,
            #"{"format":1,"features":["a"],"trees":[\#(leaf)]}"#,
            #"{"format":1,"features":["a","b"],"trees":[\#(deep)]}"#,
            #"{"format":2,"features":["a"],"trees":[\#(tree)]}"#,
        ]
        return forests.map { Array($0.utf8) }
    }

    static func check(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let forest = try? CodexFlow.RandomForest(json: text) else { return }
        require(forest.treeCount > 0 && !forest.features.isEmpty, "a forest has trees and features")
        let rows: [(Int) -> Double] = [
            { _ in 0 }, { _ in 1 }, { Double($0) }, { -Double($0) }, { _ in .infinity },
            { _ in -.infinity }, { _ in .leastNonzeroMagnitude },
        ]
        for row in rows {
            let score = mustSucceed("a forest predicts a row") {
                try forest.predict(forest.features.indices.map(row))
            }
            require(score.isFinite, "a prediction is a number")
        }
        require((try? forest.predict([])) == nil, "a row of another length is refused")
        _ = try? CodexFlow.ForestRisk(forest)
    }
}
