"""What the stages hand to each other: one record type a file. Values alone; what makes them lives in the stages' rooms."""

from token_difr.records.asking import Asking
from token_difr.records.audit import Asked, Audit, Judged, PromptSet, Rendered, Resegmented, Scored
from token_difr.records.campaign import Campaign, CampaignProvider, CampaignReference, Price
from token_difr.records.campaign_report import (
    CampaignDay,
    CampaignReport,
    ChangeSeen,
    MixtureShare,
    SharedPair,
    Standing,
)
from token_difr.records.decision import Comparison, Decision, Estimate, StatisticComparison, Summary, Verdict
from token_difr.records.diagnosis import Cause, Contrast, Diagnosis, ProfileCell
from token_difr.records.finding import Finding
from token_difr.records.logprobs import Logprobs
from token_difr.records.metrics import TokenMetrics
from token_difr.records.near_ties import HonestCurve, HonestRun, NearTies, SequentialTest, TieStratum
from token_difr.records.parting import Parting
from token_difr.records.power import Detectable, Power
from token_difr.records.report import BaselineRun, Provenance, Report
from token_difr.records.response import Conversation, Message, Response
from token_difr.records.rule import Rule
from token_difr.records.sampling import GREEDY_TEMPERATURE, SamplingParams, derived_seeds
from token_difr.records.scores import Scores, ScoreStatus
from token_difr.records.sequence import Fidelity, TokenSequence
from token_difr.records.sequential import SequentialAudit
from token_difr.records.topk import LARGEST_ID, UNRESOLVED, TopKBatch

__all__ = [
    "GREEDY_TEMPERATURE",
    "LARGEST_ID",
    "UNRESOLVED",
    "Asked",
    "Asking",
    "Audit",
    "BaselineRun",
    "Campaign",
    "CampaignDay",
    "CampaignProvider",
    "CampaignReference",
    "CampaignReport",
    "Cause",
    "ChangeSeen",
    "Comparison",
    "Contrast",
    "Conversation",
    "Decision",
    "Detectable",
    "Diagnosis",
    "Estimate",
    "Fidelity",
    "Finding",
    "HonestCurve",
    "HonestRun",
    "Judged",
    "Logprobs",
    "Message",
    "MixtureShare",
    "NearTies",
    "Parting",
    "Power",
    "Price",
    "ProfileCell",
    "PromptSet",
    "Provenance",
    "Rendered",
    "Report",
    "Resegmented",
    "Response",
    "Rule",
    "SamplingParams",
    "ScoreStatus",
    "Scored",
    "Scores",
    "SequentialAudit",
    "SequentialTest",
    "SharedPair",
    "Standing",
    "StatisticComparison",
    "Summary",
    "TieStratum",
    "TokenMetrics",
    "TokenSequence",
    "TopKBatch",
    "Verdict",
    "derived_seeds",
]
