/** Makes the optimisers and schedules of this module known by name. */
@NullMarked
package io.backpack4j.training.catalog;

import org.jspecify.annotations.NullMarked;
