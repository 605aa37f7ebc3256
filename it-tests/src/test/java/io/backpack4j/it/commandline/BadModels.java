// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/** Models that are wrong, each in one way, or in several at once. */
final class BadModels {

    static final Map<String, Consumer<Workspace>> CASES = new TreeMap<>();

    private static final String FIRST = "\"type\": \"Linear\", \"in_features\": 2, \"out_features\": 3";
    private static final String SECOND = "\"type\": \"ReLU\"";
    private static final String THIRD = "\"type\": \"Linear\", \"in_features\": 3, \"out_features\": 2";
    private static final String LOSS = "\"type\": \"CrossEntropyLoss\", \"reduction\": \"mean\"";

    static {
        replaced("model_unknown_module", SECOND, "\"type\": \"RelU6\"");
        replaced("model_unknown_argument", FIRST, FIRST + ", \"biass\": false");
        replaced("model_unknown_argument_of_none", SECOND, SECOND + ", \"in_place\": true");
        CASES.put("model_inplace_changes_numbers", workspace -> workspace.model("""
                        {"nodes": [{"name": "0", "type": "Linear", "in_features": 2, "out_features": 3},
                                   {"name": "1", "type": "ReLU", "inplace": true},
                                   {"name": "2", "type": "Sum", "inputs": ["0", "1"]}],
                         "loss": {"type": "CrossEntropyLoss"}}
                        """));
        replaced("model_inplace_no_flag", SECOND, SECOND + ", \"inplace\": \"yes\"");
        replaced("model_dtype_of_a_node", FIRST, FIRST + ", \"device\": \"cuda\", \"dtype\": \"float64\"");
        replaced("model_missing_argument", FIRST, "\"type\": \"Linear\", \"in_features\": 2");
        replaced("model_argument_of_wrong_type", FIRST, FIRST.replace("2", "\"two\""));
        replaced("model_argument_negative", FIRST, FIRST.replace("2", "-2"));
        replaced("model_argument_fraction", FIRST, FIRST.replace("2", "2.5"));
        replaced("model_argument_object", FIRST, FIRST + ", \"bias\": {\"a\": 1}");
        replaced("model_wrong_shape_between_nodes", THIRD, THIRD.replace("3", "5"));
        replaced("model_wrong_shape_of_input", FIRST, FIRST.replace("2", "7"));
        replaced("model_cycle", SECOND, SECOND + ", \"inputs\": [\"2\"]");
        replaced("model_own_input", SECOND, SECOND + ", \"inputs\": [\"1\"]");
        replaced("model_unknown_input", SECOND, SECOND + ", \"inputs\": [\"zero\"]");
        replaced("model_duplicate_name", "{\"name\": \"1\", ", "{\"name\": \"0\", ");
        replaced("model_named_like_the_input", "{\"name\": \"1\", ", "{\"name\": \"input\", ");
        replaced("model_unused_node", "{\"name\": \"2\", ", "{\"name\": \"2\", \"inputs\": [\"0\"], ");
        replaced("model_unknown_output", "\"loss\"", "\"output\": \"3\", \"loss\"");
        replaced("model_unknown_loss", LOSS, "\"type\": \"TripletMarginLoss\"");
        replaced("model_unknown_reduction", LOSS, LOSS.replace("mean", "none"));
        replaced("model_unknown_loss_argument", LOSS, LOSS + ", \"weights\": [1, 2]");
        replaced("model_loss_arguments_of_pytorch", LOSS, LOSS + ", \"weight\": [1, -2], \"size_average\": false");
        replaced("model_loss_pos_weight", LOSS, "\"type\": \"BCEWithLogitsLoss\", \"pos_weight\": [3, [1]]");
        replaced("model_without_loss", "\"loss\": {" + LOSS + "}", "\"inputs\": [\"input\"]");
        replaced("model_unknown_key", "\"loss\"", "\"layers\": [], \"loss\"");
        replaced("model_unknown_tie", THIRD, THIRD + ", \"tie\": {\"weight\": \"5.weight\"}");
        replaced("model_unknown_frozen", FIRST, FIRST + ", \"requires_grad\": [\"wait\"]");
        replaced("model_two_inputs_for_one", SECOND, SECOND + ", \"inputs\": [\"0\", \"0\"]");
        whole("model_without_nodes", "{\"nodes\": [], \"loss\": {" + LOSS + "}}");
        whole("model_empty_file", "");
        whole("model_truncated", Workspace.MODEL.substring(0, Workspace.MODEL.length() / 2));
        whole("model_list", "[1, 2]");
        whole("model_trailing_text", Workspace.MODEL + "{}");
        whole("model_key_twice", "{\"nodes\": [], \"nodes\": []}");
        whole("model_nested_too_deep", "{\"nodes\": " + "[".repeat(100_000));
        whole("model_number_too_large", "{\"nodes\": [{\"name\": \"0\", \"size\": 123456789012345678901234567890}]}");
        whole("model_number_infinite", "{\"nodes\": [{\"name\": \"0\", \"size\": 1e999}]}");
        whole("model_single_quotes", "{'nodes': []}");
        CASES.put("model_huge_layer", workspace -> workspace.model(FIRST, FIRST.replace("3", "4611686018427387904")));
        CASES.put("model_several_problems", workspace -> workspace.model("""
                        {"nodes": [{"name": "a", "type": "Linear", "in_features": 2, "out_features": 3, "biass": true},
                                   {"name": "b", "type": "Relu7"},
                                   {"name": "c", "type": "Linear", "in_features": 3}],
                         "loss": {"type": "CrossEntropy"}}
                        """));
        CASES.put("model_several_problems_of_form", workspace -> workspace.model("""
                        {"nodes": [{"type": "Linear"}, {"name": "b"}, 7], "extra": 1, "loss": "MSELoss"}
                        """));
    }

    private BadModels() {}

    private static void replaced(String name, String part, String replacement) {
        CASES.put(name, workspace -> workspace.model(part, replacement));
    }

    private static void whole(String name, String json) {
        CASES.put(name, workspace -> workspace.model(json));
    }
}
