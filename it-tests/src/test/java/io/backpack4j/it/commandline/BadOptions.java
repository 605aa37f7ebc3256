// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.commandline;

import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/** Options and extensions that are wrong. */
final class BadOptions {

    static final Map<String, Consumer<Workspace>> CASES = new TreeMap<>();

    static {
        extensions("extension_unknown", "BatchGrat");
        extensions("extension_unknown_and_far_off", "Hessian");
        extensions("extension_unknown_option", "BatchGrad(subsamples=[0,1])");
        extensions("extension_option_of_none", "Variance(mean=true)");
        extensions("extension_option_of_wrong_type", "BatchGrad(subsampling=all)");
        extensions("extension_subsampling_out_of_range", "BatchGrad(subsampling=[0,4])");
        extensions("extension_subsampling_negative", "BatchGrad(subsampling=[-1])");
        extensions("extension_subsampling_empty", "BatchGrad(subsampling=[])");
        extensions("extension_twice", "Variance,Variance");
        extensions("extension_same_name", "Variance,BatchGrad(as=variance)");
        extensions("extension_named_like_the_gradient", "Variance(as=grad)");
        extensions("extension_name_with_slash", "Variance(as=a/b)");
        extensions("extension_name_empty_list", "Variance(as=[])");
        extensions("extension_parameters_unmatched", "Variance(parameters=[conv.*])");
        extensions("extension_parameters_partly_unmatched", "Variance(parameters=[0.*,2.wieght])");
        CASES.put(
                "extension_parameters_frozen",
                workspace -> frozen(workspace, "\"0\"").option("--extensions", "Variance(parameters=[0.*])"));
        CASES.put("model_all_frozen", workspace -> frozen(workspace, "\"0\"", "\"2\""));
        CASES.put(
                "model_without_parameters",
                workspace -> workspace
                        .model(
                                "{\"nodes\": [{\"name\": \"0\", \"type\": \"ReLU\"}], \"loss\": {\"type\": \"CrossEntropyLoss\"}}")
                        .without("0.weight")
                        .without("0.bias")
                        .without("2.weight")
                        .without("2.bias"));
        option("option_max_output_exceeded", "--max-output", "511");
        option("option_max_output_not_a_size", "--max-output", "much");
        CASES.put(
                "option_parameters_without_extensions",
                workspace -> workspace.option("--extensions", "").option("--parameters", "0.*"));
        CASES.put(
                "option_parameters_of_no_use",
                workspace -> workspace
                        .option("--extensions", "Variance(parameters=[2.*])")
                        .option("--parameters", "0.*"));
        extensions("extension_parameters_empty", "Variance(parameters=[])");
        extensions("extension_bracket_open", "BatchGrad(subsampling=[0,1]");
        extensions("extension_comma_at_the_end", "BatchGrad,");
        extensions("extension_comma_alone", ",");
        extensions("extension_option_without_value", "BatchGrad(subsampling=)");
        extensions("extension_option_twice", "Variance(as=a,as=b)");
        extensions("extension_number_too_large", "BatchGrad(subsampling=[99999999999999999999])");
        extensions("extension_several_problems", "Varianz,BatchGrad(a=1),Nonesuch(b=2)");
        option("option_parameters_unmatched", "--parameters", "conv*");
        option("option_backend_unknown", "--backend", "cpuu");
        option("option_dtype_unknown", "--dtype", "float16");
        option("option_memory_without_unit", "--memory", "lots");
        option("option_memory_negative", "--memory", "-1MiB");
        option("option_memory_too_small", "--memory", "1B");
        option("option_seed_not_a_number", "--seed", "x");
        option("option_threads_zero", "--threads", "0");
        CASES.put("option_unknown", workspace -> workspace.argument("--extension=Variance"));
        CASES.put("option_surplus_argument", workspace -> workspace.argument("more.json"));
        CASES.put(
                "option_missing",
                workspace -> workspace.withoutOption("--model").withoutOption("--out"));
        CASES.put("option_without_value", workspace -> workspace.argument("--memory"));
        CASES.put("option_twice", workspace -> workspace.argument("--model=other.json"));
    }

    private BadOptions() {}

    /** Freezes nodes. */
    private static Workspace frozen(Workspace workspace, String... names) {
        String model = Workspace.MODEL;
        for (String name : names) {
            model = model.replace("{\"name\": " + name + ",", "{\"name\": " + name + ", \"requires_grad\": false,");
        }
        return workspace.model(model);
    }

    private static void extensions(String name, String text) {
        option(name, "--extensions", text);
    }

    private static void option(String name, String option, String value) {
        CASES.put(name, workspace -> workspace.option(option, value));
    }
}
