"""Writes torch-optimizers.safetensors and torch-schedules.safetensors: what PyTorch's optimisers and schedules do, in float64.

Run it with Python, PyTorch 2.x, NumPy and safetensors in this folder. Names of tensors are expressions as the command line takes them.
"""

import torch
from safetensors.torch import save_file

torch.set_default_dtype(torch.float64)
STEPS = 50
KEPT = [0, 1, 2, 9, 24, 49]

OPTIMIZERS = [
    "SGD(lr=0.1)",
    "SGD(lr=0.1,momentum=0.9)",
    "SGD(lr=0.1,momentum=0.9,dampening=0.3)",
    "SGD(lr=0.05,momentum=0.8,nesterov=true,weight_decay=0.01)",
    "SGD(lr=0.01,momentum=0.5,weight_decay=0.1,maximize=true)",
    "Adam(lr=0.01)",
    "Adam(lr=0.02,betas=[0.8,0.99],eps=1e-6,weight_decay=0.05)",
    "Adam(lr=0.01,amsgrad=true,maximize=true)",
    "AdamW(lr=0.01)",
    "AdamW(lr=0.02,betas=[0.8,0.95],weight_decay=0.3,amsgrad=true)",
    # At the default rate it jumps to and fro, and 50 steps make 1e-9 of one rounding.
    "RMSprop(lr=0.001)",
    # A larger eps: near the minimum the mean of squares less the square of the mean is nothing but rounding.
    "RMSprop(lr=0.005,alpha=0.95,eps=1e-3,weight_decay=0.02,momentum=0.7,centered=true)",
    "RMSprop(lr=0.001,alpha=0.9,maximize=true)",
    "Adagrad(lr=0.1)",
    "Adagrad(lr=0.2,lr_decay=0.05,weight_decay=0.02,initial_accumulator_value=0.1,eps=1e-8)",
]
SGD = "SGD(lr=0.1,momentum=0.9)"
WITH = [
    (SGD, "clip_norm=0.05"),
    (SGD, "clip_value=0.01"),
    (SGD, "ema=0.9"),
    (SGD, "groups"),
    ("Adam(lr=0.01)", "OneCycleLR(max_lr=0.05,total_steps=60)"),
    (SGD, "CyclicLR(base_lr=0.01,max_lr=0.2,step_size_up=7)"),
    (SGD, "StepLR(step_size=8,gamma=0.5,every=step)"),
]
SCHEDULES = [
    "StepLR(step_size=7,gamma=0.3)",
    "MultiStepLR(milestones=[5,17,40],gamma=0.5)",
    "ExponentialLR(gamma=0.93)",
    "ConstantLR(factor=0.25,total_iters=9)",
    "PolynomialLR(total_iters=30,power=1.7)",
    "CosineAnnealingLR(T_max=23,eta_min=0.003)",
    "CyclicLR(base_lr=0.01,max_lr=0.2,step_size_up=7,step_size_down=4)",
    "CyclicLR(base_lr=0.01,max_lr=0.2,step_size_up=6,mode=triangular2)",
    "CyclicLR(base_lr=0.01,max_lr=0.2,step_size_up=6,mode=exp_range,gamma=0.97,base_momentum=0.7,max_momentum=0.95)",
    "OneCycleLR(max_lr=0.5,total_steps=60)",
    "OneCycleLR(max_lr=0.5,total_steps=60,anneal_strategy=linear,three_phase=true,pct_start=0.4,div_factor=10,final_div_factor=100)",
    "LinearLR(start_factor=0.1,end_factor=0.9,total_iters=13)",
    "ReduceLROnPlateau(factor=0.5,patience=2,cooldown=1,threshold=0.01,min_lr=0.002)",
    "ReduceLROnPlateau(mode=max,factor=0.3,patience=1,threshold=0.001,threshold_mode=abs)",
    "LinearLR(start_factor=0.1,total_iters=10),CosineAnnealingLR(T_max=50),SequentialLR(milestones=[10])",
    "ConstantLR(factor=0.5,total_iters=4),ExponentialLR(gamma=0.9),StepLR(step_size=3),SequentialLR(milestones=[6,20])",
]
LENGTH = 60


def call(module, expression, *first, drop=()):
    name, arguments = expression[:-1].split("(", 1)
    words = {w: w for w in ("triangular", "triangular2", "exp_range", "linear", "cos", "min", "max", "rel", "abs", "step")}
    options = eval(f"dict({arguments})", {"dict": dict, "true": True, "false": False, **words})
    for key in drop:
        options.pop(key, None)
    return getattr(module, name)(*first, **options)


def network():
    torch.manual_seed(7)
    return torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3))


def flat(tensors):
    return torch.cat([t.detach().reshape(-1) for t in tensors])


def trajectory(expression, extra=""):
    net = network()
    first = net.parameters()
    if extra == "groups":
        own = dict(net.named_parameters())
        own["0.bias"].requires_grad_(False)
        first = [
            {"params": [own["0.weight"]], "lr": 0.02, "weight_decay": 0.1},
            {"params": [own["2.weight"], own["2.bias"]]},
        ]
    optimizer = call(torch.optim, expression, first)
    schedule = call(torch.optim.lr_scheduler, extra, optimizer, drop=["every"]) if "LR(" in extra else None
    average = None
    if extra.startswith("ema="):
        decay = float(extra[4:])
        average = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(decay))
    kept = []
    for step in range(STEPS):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(INPUT), TARGET).backward()
        if extra.startswith("clip_norm="):
            torch.nn.utils.clip_grad_norm_(net.parameters(), float(extra[10:]))
        if extra.startswith("clip_value="):
            torch.nn.utils.clip_grad_value_(net.parameters(), float(extra[11:]))
        optimizer.step()
        if schedule:
            schedule.step()
        if average:
            average.update_parameters(net)
        if step in KEPT:
            kept.append(flat(average.module.parameters() if average else net.parameters()))
    return torch.stack(kept)


def rates(expression):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler
    parts = expression.replace("),", ");").split(";")
    if len(parts) > 1:
        milestones = eval(parts[-1][:-1].split("=")[1])
        schedule = scheduler.SequentialLR(optimizer, [call(scheduler, p, optimizer) for p in parts[:-1]], milestones)
    else:
        schedule = call(scheduler, expression, optimizer)
    values = []
    for n in range(LENGTH):
        group = optimizer.param_groups[0]
        values.append([group["lr"], group["momentum"]])
        optimizer.step()
        if n + 1 < LENGTH:
            schedule.step(*([METRIC[n].item()] if "Plateau" in expression else []))
    return torch.tensor(values)


torch.manual_seed(3)
INPUT = torch.randn(8, 4)
TARGET = torch.tensor([0, 1, 2, 0, 1, 2, 2, 1])
METRIC = 1 / (1 + 0.2 * torch.arange(LENGTH)) + 0.05 * torch.randn(LENGTH)

tensors = {"input": INPUT, "target": TARGET, "kept": torch.tensor(KEPT)}
tensors.update({name: p.detach().clone() for name, p in network().named_parameters()})
for expression in OPTIMIZERS:
    tensors[expression] = trajectory(expression)
for expression, extra in WITH:
    tensors[expression + ";" + extra] = trajectory(expression, extra)
save_file(tensors, "torch-optimizers.safetensors", {"torch": torch.__version__})
schedules = {expression: rates(expression) for expression in SCHEDULES}
save_file({"metric": METRIC, **schedules}, "torch-schedules.safetensors", {"torch": torch.__version__})
