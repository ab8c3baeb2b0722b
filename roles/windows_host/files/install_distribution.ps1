# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Installs a distribution for the user who connects. JSON in: program (wsl.exe), name, directory and size (empty for WSL's own). JSON out: changed.
[CmdletBinding(SupportsShouldProcess)]
param (
    [Parameter(Mandatory)] [string] $Wanted
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$env:WSL_UTF8 = '1'
$wish = $Wanted | ConvertFrom-Json

function Invoke-Native {
    # Windows PowerShell makes an error of each line that a program writes to its standard error, a warning of wsl.exe as well, and would end here
    # (PowerShell/PowerShell issue 3996). Whether a program has failed says how it ended.
    param ([scriptblock] $Call)
    $ErrorActionPreference = 'Continue'
    & $Call
}

function Get-Registration {
    foreach ($key in Get-ChildItem -LiteralPath 'HKCU:\Software\Microsoft\Windows\CurrentVersion\Lxss' -ErrorAction SilentlyContinue) {
        # Not each key is a distribution: AppxInstallerCache is empty, which comes back as nothing.
        $entry = Get-ItemProperty -LiteralPath $key.PSPath
        if ($null -ne $entry -and $entry.PSObject.Properties['DistributionName'] -and $entry.DistributionName -eq $wish.name) { return $entry }
    }
    return $null
}

$changed = $null -eq (Get-Registration)
if ($changed -and $PSCmdlet.ShouldProcess($wish.name, 'Install the distribution')) {
    # Not launched: the first launch asks for a user's name, and there is nobody to answer.
    $arguments = @('--install', $wish.name, '--no-launch', '--web-download')
    if ($wish.directory) { $arguments += @('--location', $wish.directory) }
    if ($wish.size) { $arguments += @('--vhd-size', $wish.size) }
    $said = Invoke-Native { & $wish.program @arguments }
    if ($LASTEXITCODE -ne 0 -or $null -eq (Get-Registration)) {
        $words = ($said -join ' ').Replace([string] [char] 0, '')
        throw "$($wish.name) could not be installed (wsl.exe ended with $LASTEXITCODE): $words"
    }
}
ConvertTo-Json -Compress -InputObject @{ changed = $changed }
